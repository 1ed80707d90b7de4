/** The packages that people hold, over a network that breaks: what they then believe is true. */
import { setTimeout as sleep } from 'node:timers/promises';
import Anthropic from '@anthropic-ai/sdk';
import { stream as durableStream } from '@durable-streams/client';
import { DefaultChatTransport, readUIMessageStream, type UIMessage } from 'ai';
import OpenAI from 'openai';
import OpenAI6 from 'openai-6';
import { startCuttingProxy } from '../../support/cutting-proxy.ts';
import type { Door } from '../../support/doors/door.ts';
import { DOORS } from '../../support/doors/speaking.ts';
import type { FaultCase, Rounds } from '../case.ts';
import { ask, doorTurn, mustBeOneTurn, type DoorTurn } from '../door-turn.ts';
import { must, mustEqual } from '../violation.ts';
import { ownOf, type World } from '../world.ts';

/** What a client has in the end. It rejects when its package throws. */
type Heard = (text: string) => void;

interface PackageClient {
  name: string;
  /** The door that it speaks to. */
  door: string;
  /** Reads an answer and tells all of its text each time it grows; resolves when it is whole. */
  read(url: string, turn: DoorTurn, heard: Heard): Promise<void>;
  /** Its package comes back by itself after a cut, unless that was inside an answer's body. */
  comesBack?: true;
}

async function readCompletion(client: OpenAI, { chat, message }: DoorTurn, heard: Heard) {
  const { user, model } = chat;
  const messages = [{ role: 'user' as const, content: message }];
  const chunks = await client.chat.completions.create({ model, user, messages, stream: true });
  let text = '';
  for await (const { choices } of chunks) heard((text += choices[0]?.delta.content ?? ''));
}

/**
 * AG-UI's throws, when it is cut off, where nobody can catch it: `doors.ts` speaks its protocol.
 */
const CLIENTS: readonly PackageClient[] = [
  {
    name: 'openai 7',
    door: 'POST /v1/chat/completions',
    read: (url, turn, heard) =>
      readCompletion(new OpenAI({ apiKey: 'none', baseURL: `${url}/v1` }), turn, heard),
  },
  {
    name: 'openai 6',
    door: 'POST /v1/chat/completions',
    read: (url, turn, heard) =>
      // The two versions differ in nothing that is called here.
      readCompletion(
        new OpenAI6({ apiKey: 'none', baseURL: `${url}/v1` }) as unknown as OpenAI,
        turn,
        heard,
      ),
  },
  {
    name: 'openai 7, responses',
    door: 'POST /v1/responses',
    async read(url, { chat: { user, model }, message: input }, heard) {
      const client = new OpenAI({ apiKey: 'none', baseURL: `${url}/v1` });
      const events = await client.responses.create({ model, user, input, stream: true });
      let text = '';
      for await (const event of events)
        if (event.type === 'response.output_text.delta') heard((text += event.delta));
    },
  },
  {
    name: '@anthropic-ai/sdk',
    door: 'POST /v1/messages',
    async read(url, turn, heard) {
      const { model, user } = turn.chat;
      const client = new Anthropic({ apiKey: 'none', baseURL: url });
      const messages = [{ role: 'user' as const, content: turn.message }];
      const metadata = { user_id: user };
      const stream = client.messages.stream({ model, max_tokens: 10_000, metadata, messages });
      stream.on('text', (_, all) => heard(all));
      await stream.finalMessage();
    },
  },
  {
    name: 'ai',
    door: 'POST /api/chat',
    async read(url, turn, heard) {
      const { name: chatId, model, user: user_id } = turn.chat;
      const body = { model, user_id };
      const transport = new DefaultChatTransport<UIMessage>({ api: `${url}/api/chat`, body });
      const parts = [{ type: 'text' as const, text: turn.message }];
      const chunks = await transport.sendMessages({
        ...{ chatId, trigger: 'submit-message', messageId: undefined, abortSignal: undefined },
        messages: [{ id: 'm1', role: 'user', parts }],
      });
      const terminateOnError = true;
      for await (const said of readUIMessageStream({ stream: chunks, terminateOnError }))
        heard(said.parts.map((part) => (part.type === 'text' ? part.text : '')).join(''));
    },
  },
  {
    name: '@durable-streams/client',
    door: 'POST /conversations/{id}/messages',
    comesBack: true,
    async read(url, turn, heard) {
      // Reading is all that this protocol does here: the turn is begun by another door.
      const origin = url.split('#')[1] ?? '';
      const begun = await ask(origin, turn);
      begun.leave();
      const address = `${url.split('#')[0]}/streams/turns/${begun.turnId}`;
      const response = await durableStream({ url: address, live: 'long-poll' });
      let text = '';
      // The package says `closed` while it still reads the last piece.
      const hasLast = new Promise<void>((resolve) => {
        response.subscribeText((chunk) => {
          heard((text += chunk.text));
          if (chunk.streamClosed) resolve();
        });
      });
      await Promise.race([hasLast, response.closed.then(() => hasLast)]);
    },
  },
];

const packages: FaultCase = {
  name: 'door-packages-cut',
  what: 'openai 6 and 7, Anthropic’s, ai and Durable Streams over connections that are cut',
  runtimes: ['node', 'workerd'],
  async run(rounds) {
    const world = await rounds.world();
    const moments = rounds.quick ? [6, 120] : Array.from({ length: 16 }, (_, at) => at * at * 1.2);
    const names = CLIENTS.flatMap(({ name }) => moments.map((ms) => `${name}, ${ms}`));
    await rounds.together(names, 6, async (name) => {
      const at = name.lastIndexOf(', ');
      const client = CLIENTS.find((one) => one.name === name.slice(0, at));
      must(client !== undefined, 'no client');
      await cutAfter(rounds, world, client, Number(name.slice(at + 2)));
    });
  },
};

async function cutAfter(rounds: Rounds, world: World, client: PackageClient, ms: number) {
  const { url } = world.client;
  const proxy = await startCuttingProxy(new URL(url));
  const turn = doorTurn(rounds, world, { door: doorNamed(client.door), ...PACED });
  let has = '';
  const address = client.comesBack ? `${proxy.url}#${url}` : proxy.url;
  const reading = client
    .read(address, turn, (text) => (has = text))
    .then(
      () => undefined,
      (error: unknown) => error ?? new Error('nothing'),
    );
  await sleep(ms);
  proxy.cut();
  const error = await reading;
  proxy.close();
  if (ownOf(world).calls(turn.chat.model) === 0) return mustHaveThrown(error);
  const answer = await mustBeOneTurn(rounds, world, turn, 20_000);
  mustEqual(answer.status, 'complete', 'a turn whose client was cut off');
  if (error === undefined) mustEqual(has, answer.content, 'what a client takes for the whole');
  else must(answer.content.startsWith(has), 'text that is not what is stored');
  const isBack = error === undefined || isCutInBody(error);
  must(!client.comesBack || isBack, 'a client did not come back');
}

/** The error of `fetch` for a body that was cut off: the package throws it, and asks no more. */
function isCutInBody(error: unknown): boolean {
  return error instanceof TypeError && error.message === 'terminated';
}

/** Some do not ask again when they are cut off before they were heard. */
function mustHaveThrown(error: unknown): void {
  must(error !== undefined, 'a client that was never heard has an answer');
}

const PACED = { tokens: 8, delayMs: { between: 30 } };

function doorNamed(name: string): Door {
  const found = DOORS.find((door) => door.name === name);
  if (!found) throw new Error(`there is no door ${name}`);
  return found;
}

const killed: FaultCase = {
  name: 'door-packages-kill-9',
  what: 'kill -9 in mid-answer: the packages throw, and the turn is there once',
  runtimes: ['node', 'workerd'],
  async run(rounds) {
    const world = await rounds.world();
    const { server } = ownOf(world);
    const victims = CLIENTS.filter(({ comesBack }) => !comesBack).map((client) => {
      const fault = { how: 'stall' as const, afterTokens: 4 };
      const turn = doorTurn(rounds, world, { door: doorNamed(client.door), tokens: 8, fault });
      const victim = { client, turn, has: '' };
      const reading = client
        .read(world.client.url, turn, (text) => (victim.has = text))
        .then(
          () => undefined,
          (error: unknown) => error ?? new Error('nothing'),
        );
      return Object.assign(victim, { reading });
    });
    for (let tries = 0; tries < 3_000 && victims.some(({ has }) => has === ''); tries += 1)
      await sleep(5);
    await server.kill();
    await server.restart();
    for (const { client, turn, reading } of victims) {
      await rounds.round(client.name, async () => {
        must((await reading) !== undefined, 'a client takes a killed answer for the whole');
        const answer = await mustBeOneTurn(rounds, world, turn, world.leaseMs + 10_000);
        mustEqual(answer.status, 'interrupted', 'the status of a killed turn');
      });
    }
  },
};

export const doorPackages = [packages, killed];
