/** What happens to any client's connection, and to the model's, at each door. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startCuttingProxy } from '../../support/cutting-proxy.ts';
import { FOLLOWERS, type Begun } from '../../support/doors/handling.ts';
import type { Listening } from '../../support/doors/listening.ts';
import { asRecord, asText } from '../../support/json.ts';
import type { FaultCase, Rounds } from '../case.ts';
import {
  ask,
  askAgain,
  BEGINNINGS,
  doorTurn,
  goOn,
  mustBeOneTurn,
  type DoorTurn,
} from '../door-turn.ts';
import { must, mustEqual } from '../violation.ts';
import { ownOf, type World } from '../world.ts';

const TOKENS = 6;
const paced = { tokens: TOKENS, delayMs: { between: 25 } };

/** Runs a round for each door and each number up to the most, some at once. */
async function atEach(
  rounds: Rounds,
  { most, step = 1 }: { most: number; step?: number },
  body: (door: (typeof BEGINNINGS)[number], k: number) => Promise<void>,
): Promise<void> {
  const names = new Map<string, () => Promise<void>>();
  for (const [at, door] of BEGINNINGS.entries())
    for (let k = rounds.quick ? at % step : 0; k <= most; k += rounds.quick ? step : 1)
      names.set(`${door.name}, ${k}`, () => body(door, k));
  await rounds.together([...names.keys()], 6, (name) => names.get(name)?.() ?? Promise.resolve());
}

const leaving: FaultCase = {
  name: 'door-leave-event-k',
  what: 'clients of every door go at event k, for every k, and come back by the means of that door',
  runtimes: ['node', 'workerd'],
  async run(rounds) {
    const world = await rounds.world();
    await atEach(rounds, { most: TOKENS + 4, step: 4 }, async (door, k) => {
      const turn = doorTurn(rounds, world, { door, ...paced });
      const listening = await ask(world.client.url, turn);
      await eventsAtLeast(listening, k);
      const isKnown = listening.turnId !== '' || door.again !== undefined;
      listening.leave();
      // A client of a plain socket that heard nothing cannot know what became of its message.
      if (!isKnown) return;
      await comeBack(world, turn, listening);
      const answer = await mustBeOneTurn(rounds, world, turn);
      mustEqual(answer.status, 'complete', 'the turn that a client left');
    });
  },
};

async function eventsAtLeast(listening: Listening, count: number): Promise<void> {
  await listening.until(({ isOver }) => isOver || listening.events.length >= count);
}

/** By the id of the last event, where the events have one, and by asking again. */
async function comeBack(world: World, turn: DoorTurn, left: Listening): Promise<void> {
  const { url } = world.client;
  const { door, whole } = turn;
  if (door.again === undefined) return goesOn(url, turn, left);
  const before = left.heard();
  const cursor = left.events.map((event) => asText(asRecord(event)['id'])).findLast(Boolean);
  if (cursor !== undefined && !turn.call.socket) {
    const rest = await askAgain(url, turn, { 'last-event-id': cursor });
    if (rest.status === 204) must(before.ending !== undefined, '204 before the end');
    else mustEqual(before.text + (await rest.end()).text, whole, 'text before and after a cursor');
  }
  const again = await askAgain(url, turn);
  const heard = await again.end();
  mustEqual(heard.text, whole, 'the text of a request that is repeated');
  mustEqual(heard.ending, 'whole', 'the end of a request that is repeated');
  if (left.turnId !== '') mustEqual(again.turnId, left.turnId, 'the turn of a repeated request');
}

/** Without asking again: a turn is followed, from the start or after what its client has. */
async function goesOn(url: string, turn: DoorTurn, left: Listening): Promise<void> {
  // Whatever has come by now counts for the number that the client names, too.
  const before = left.heard();
  const rest = await (await goOn(url, turn, left))?.end();
  const all = await (await goOn(url, turn, { turnId: left.turnId, events: [] }))?.end();
  if (!rest || !all) return;
  mustEqual([all.text, all.ending], [turn.whole, 'whole'], 'the text of a turn that is followed');
  if (rest.text !== all.text)
    mustEqual(before.text + rest.text, all.text, 'text before and after a number');
}

const cutting: FaultCase = {
  name: 'door-cut-any-moment',
  what: 'connections to every door are cut at any moment, mostly about the acceptance; asked again',
  runtimes: ['node', 'workerd'],
  async run(rounds) {
    const world = await rounds.world();
    await atEach(rounds, { most: 14, step: 5 }, async (door, k) => {
      const proxy = await startCuttingProxy(new URL(world.client.url));
      const turn = doorTurn(rounds, world, { door, ...paced });
      const asked = ask(proxy.url, turn).catch(() => undefined);
      await sleep(k < 10 ? k * 2 : k * 10);
      proxy.cut();
      (await asked)?.leave();
      proxy.close();
      // A client of a plain socket cannot know what became of its message.
      if (door.again === undefined) return;
      const heard = await (await askAgain(world.client.url, turn)).end();
      mustEqual([heard.text, heard.ending], [turn.whole, 'whole'], 'what comes when asked again');
      await mustBeOneTurn(rounds, world, turn);
    });
  },
};

const upstream: FaultCase = {
  name: 'door-upstream-token-k',
  what: 'the model’s answer breaks off after token k: no door ends it as a whole one',
  runtimes: ['node', 'workerd'],
  async run(rounds) {
    const world = await rounds.world();
    for (const how of ['eof', 'reset', 'error'] as const) {
      await atEach(rounds, { most: TOKENS, step: 3 }, async (door, k) => {
        const fault = { how, afterTokens: k };
        const turn = doorTurn(rounds, world, { door, tokens: TOKENS, fault });
        const heard = await (await ask(world.client.url, turn)).end();
        const answer = await mustBeOneTurn(rounds, world, turn);
        mustEqual(heard.text, answer.content, `the text that was told (${how})`);
        mustBeTold(heard, answer.status);
        if (k < TOKENS) must(answer.status !== 'complete', `complete after ${k} tokens (${how})`);
      });
    }
  },
};

/** An ending says what is stored, or nothing is said and the connection breaks. */
function mustBeTold(heard: Awaited<ReturnType<Listening['end']>>, status: string): void {
  const { ending, isOver, isReset } = heard;
  if (isReset) return must(ending === undefined && !isOver, `a reset after the ending ${ending}`);
  must(isOver, `an answer ended without a mark of its end: ${heard.body.slice(-200)}`);
  must(ending !== undefined, 'an answer ended without saying how');
  const isWhole = ['complete', 'truncated', 'filtered'].includes(status);
  mustEqual(ending === 'whole', isWhole, `the ending ${ending} for the status ${status}`);
}

const LATE_MS = 600;

const storing: FaultCase = {
  name: 'door-end-after-store',
  what: 'the database is slow to store the end: no door tells of an end before it is stored',
  runtimes: ['node', 'workerd'],
  async run(rounds) {
    const world = await rounds.world({ database: 'proxy' });
    const { proxy } = ownOf(world);
    const tried = BEGINNINGS.slice(rounds.quick ? -3 : 0);
    for (const door of tried) {
      await rounds.round(door.name, async () => {
        const turn = doorTurn(rounds, world, { door, tokens: TOKENS });
        proxy.reset();
        proxy.delay(LATE_MS, ({ number }) => number > 1);
        const heard = await (await ask(world.client.url, turn)).end();
        const at = Date.now();
        proxy.delay(0);
        mustEqual(heard.ending, 'whole', 'the ending');
        const stored = proxy.log.filter(
          ({ number, statements }) => number > 1 && isEnd(statements),
        );
        must(stored.length > 0, 'no request stored the end');
        const [first] = stored;
        must((first?.at ?? at) + LATE_MS - 50 <= at, 'an end was told before it was stored');
        await mustBeOneTurn(rounds, world, turn);
      });
    }
  },
};

function isEnd(statements: readonly { sql: string }[]): boolean {
  return statements.some(({ sql }) => /UPDATE turns SET state = 'ended'/u.test(sql));
}

const twoProcesses: FaultCase = {
  name: 'door-two-processes',
  what: 'turns that one process runs are followed, asked for again and stopped at another',
  runtimes: ['node'],
  async run(rounds) {
    const world = await rounds.world();
    const { url } = await ownOf(world).another();
    await atEach(rounds, { most: 2, step: 2 }, async (door, k) => {
      const isStopped = k === 2;
      const turn = doorTurn(rounds, world, {
        door,
        tokens: 20,
        delayMs: { between: isStopped ? 400 : 120 },
      });
      const here = await ask(world.client.url, turn);
      await here.until(({ text }) => text !== '');
      const begun = { ...turn.chat, turnId: here.turnId, conversationId: here.conversationId };
      const followers = FOLLOWERS.filter(
        ({ byConversation }) => !byConversation || here.conversationId !== '',
      );
      const there = await Promise.all([
        ...(door.again && !turn.call.socket ? [askAgain(url, turn)] : []),
        ...followers.map(({ follow }) => follow(url, begun)),
      ]);
      if (isStopped) await stop(world, url, begun);
      const all = await Promise.all([here, ...there].map((one) => one.end()));
      const answer = await mustBeOneTurn(rounds, world, turn);
      mustEqual(answer.status, isStopped ? 'cancelled' : 'complete', 'the status of the turn');
      for (const heard of all)
        mustEqual(
          sameBreaks(heard.text),
          sameBreaks(answer.content),
          'the text at another process',
        );
    });
  },
};

/** Durable Streams knows one kind of line break. */
function sameBreaks(text: string): string {
  return text.replace(/\r\n?/gu, '\n');
}

async function stop({ client }: World, url: string, { turnId }: Begun): Promise<void> {
  const stopped = await fetch(`${url}/v1/responses/resp_${turnId}/cancel`, { method: 'POST' });
  mustEqual(stopped.status, 200, 'status of a cancel');
  await client.ended(turnId, 10_000);
}

export const doors = [leaving, cutting, upstream, storing, twoProcesses];
