/** The GETs that start a turn, under a browser's own reconnecting. */
import { setTimeout as sleep } from 'node:timers/promises';
import { eventSourceLike } from '../../support/event-source.ts';
import type { SseEvent } from '../../support/sse.ts';
import type { FaultCase, Rounds } from '../case.ts';
import { textOf } from '../client.ts';
import { mustBeConsistent } from '../invariants.ts';
import { awkwardMessage, awkwardTokens } from '../texts.ts';
import { must, mustEqual } from '../violation.ts';
import type { World } from '../world.ts';

export type Dialect = 'native' | 'text';
const TOKENS = 8;

const reconnects: FaultCase = {
  name: 'event-source',
  what: 'EventSource on the GETs that start a turn, cut at event k, for every k, once or again and again',
  runtimes: ['node', 'workerd'],
  remote: true,
  async run(rounds) {
    const world = await rounds.world();
    for (let time = 0; time < (rounds.quick ? 1 : 4); time += 1) {
      for (const dialect of ['native', 'text'] satisfies Dialect[]) {
        const names = Array.from({ length: TOKENS + 2 }, (_, k) => `${dialect}, cut at ${k}`);
        names.push(`${dialect}, cut at every event`);
        await rounds.together(names, 4, (name) => {
          const k = name.endsWith('every event') ? 'every' : Number(name.split(' ').at(-1));
          return cutAndReconnect(rounds, world, dialect, k);
        });
      }
    }
  },
};

/** The address of a GET that starts a turn, in a new conversation. */
export async function newStream(
  { random }: Rounds,
  world: World,
  { dialect, firstMs = 150, key }: { dialect: Dialect; firstMs?: number; key?: string },
) {
  const tokens = awkwardTokens(random, TOKENS);
  const delayMs = { first: firstMs, between: 40 };
  const model = world.model({ tokens, delayMs });
  const userId = random.word();
  const conversationId = await world.client.createConversation(userId);
  const message = awkwardMessage(random);
  const query = new URLSearchParams({
    ...{ message, user_id: userId },
    ...(model && { model }),
    ...(key && { idempotency_key: key }),
  });
  const path = dialect === 'native' ? '/conversations' : '/chat/conversations';
  return { conversationId, message, path: `${path}/${conversationId}/stream?${query.toString()}` };
}

async function cutAndReconnect(
  rounds: Rounds,
  world: World,
  dialect: Dialect,
  k: number | 'every',
) {
  const { client } = world;
  const { conversationId, message, path } = await newStream(rounds, world, { dialect });
  const source = eventSourceLike(`${client.url}${path}`, { retryMs: 10, longestRetryMs: 30 });
  let cutAt = k === 'every' ? 1 : k;
  const cutting = (async () => {
    for (let tries = 0; tries < 4_000; tries += 1) {
      // Not before the stream has said where it is: its first id.
      const reached = cutAt === 0 ? source.lastEventId() !== '' : source.events.length >= cutAt;
      if (reached) {
        source.cut();
        if (k !== 'every') return;
        cutAt = source.events.length + 1;
      }
      if (isOver(source.events, dialect)) return;
      await sleep(2);
    }
  })();
  const done = await Promise.race([source.done, sleep(20_000, 'still open' as const)]);
  source.close();
  await cutting;
  mustEqual(done, 'http-status', 'how the reconnecting ended');
  mustEqual(source.connections.at(-1)?.status, 204, 'the last status');
  await mustHaveOneTurn(rounds, world, { conversationId, message, dialect, events: source.events });
}

function isOver(events: readonly SseEvent[], dialect: Dialect): boolean {
  const last = events.at(-1);
  return dialect === 'native' ? last?.type === 'done' : last?.data === '[DONE]';
}

/** One turn, and every word of it once. */
export async function mustHaveOneTurn(
  { random }: Rounds,
  { client }: World,
  {
    conversationId,
    message,
    dialect,
    events,
  }: { conversationId: string; message: string; dialect: Dialect; events: readonly SseEvent[] },
): Promise<void> {
  const expected = { conversationId, acknowledged: [message], settleMs: 5_000 };
  const [, answer, ...more] = await mustBeConsistent(client, expected, random);
  must(answer !== undefined && more.length === 0, 'a reconnect made a second turn');
  mustEqual(answer.status, 'complete', 'the turn');
  if (dialect === 'native')
    mustEqual(textOf(events), answer.content, 'the text of all connections');
  else {
    const texts = events.filter((event) => event.type === 'message').map((event) => event.data);
    mustEqual(texts.at(-1), '[DONE]', 'the last event');
    mustEqual(texts.slice(0, -1).join(''), answer.content.replaceAll(/\r\n?/gu, '\n'), 'the text');
  }
}

export const eventSources = [reconnects];
