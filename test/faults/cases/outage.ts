/** The database goes away as a whole, or is slow, and comes back. */
import { setTimeout as sleep } from 'node:timers/promises';
import { openStream } from '../../support/sse.ts';
import type { FaultCase, Rounds } from '../case.ts';
import { Client, readAll, textOf, type Ask } from '../client.ts';
import { mustAgree, mustBeConsistent, mustBeWhole } from '../invariants.ts';
import { awkwardMessage, awkwardTokens } from '../texts.ts';
import { must, mustEqual } from '../violation.ts';
import { ownOf, type World } from '../world.ts';

async function newAsk(rounds: Rounds, world: World, count: number, between: number) {
  const { random } = rounds;
  const tokens = awkwardTokens(random, count);
  const model = world.model({ tokens, delayMs: { between } });
  const userId = random.word();
  const conversationId = await world.client.createConversation(userId);
  const ask: Ask & { conversationId: string } = {
    conversationId,
    userId,
    message: awkwardMessage(random),
    model,
    key: random.word(),
  };
  return { ask, whole: tokens.join('') };
}

const before: FaultCase = {
  name: 'database-down-before',
  what: 'the database is down when a turn is asked for, and comes back',
  runtimes: ['node', 'workerd'],
  async run(rounds) {
    const world = await rounds.world({ database: 'proxy' });
    const { client } = world;
    const { proxy } = ownOf(world);
    for (let time = 0; time < (rounds.quick ? 1 : 5); time += 1) {
      await rounds.round(`time ${time}`, async () => {
        const { ask, whole } = await newAsk(rounds, world, 4, 5);
        const done = await client.streamTurn({ ...ask, key: undefined, message: 'before' });
        await proxy.down();
        const [streamed, posted, health, reconnect] = await Promise.all([
          client.streamTurn(ask),
          client.postTurn(ask),
          client.call('/health'),
          openStream(`${client.url}/conversations/${ask.conversationId}/stream?message=x`, {
            lastEventId: done.events[1]?.id ?? '',
          }),
        ]);
        await proxy.up();
        for (const { status, retryAfter } of [
          streamed,
          { status: posted.status, retryAfter: Number(posted.headers['retry-after']) },
        ]) {
          mustEqual(status, 503, 'status while the database is down');
          must((retryAfter ?? 0) >= 1, '503 without Retry-After');
        }
        mustEqual(health.status, 503, 'health while the database is down');
        mustEqual(reconnect.status, 200, 'a reconnect while the database is down');
        await reconnect.collect(5_000);
        must(reconnect.parser.retryMs !== undefined, 'a reconnect is not told when to come again');
        mustEqual(reconnect.events.length, 0, 'events for a reconnect that cannot be served');
        mustEqual(
          ownOf(world).calls(ask.model),
          1,
          'calls of the model while the database is down',
        );
        const told = await client.streamTurn(ask);
        mustBeWhole(told);
        mustEqual(told.message?.status, 'complete', 'the turn once the database is back');
        const expected = {
          conversationId: ask.conversationId,
          acknowledged: ['before', ask.message],
          answers: new Map([[ask.message, whole]]),
          settleMs: 5_000,
        };
        await mustBeConsistent(client, expected, rounds.random);
      });
    }
  },
};

/** Ways of not being there. */
type Absence = 'down' | 'frozen' | 'killed' | 'answers 500';

const during: FaultCase = {
  name: 'database-down-during',
  what: 'the database goes while turns stream and is back within the grace, before or after the lease',
  runtimes: ['node', 'workerd'],
  async run(rounds) {
    const world = await rounds.world({ database: 'proxy' });
    const absences: Absence[] = rounds.quick
      ? ['down']
      : ['down', 'frozen', 'killed', 'answers 500'];
    const lengths = rounds.quick ? [5_500] : [800, 2_000, 5_500, 9_000];
    for (const how of absences) {
      for (const ms of lengths) {
        for (const ends of ['before the turn does', 'after the turn']) {
          const name = `${how} for ${ms} ms, back ${ends}`;
          await rounds.round(name, () => absentDuring(rounds, world, { how, ms, ends }));
        }
      }
    }
  },
};

const twoProcesses: FaultCase = {
  name: 'database-down-two-processes',
  what: 'the same, longer than the lease, while another process looks at the turn',
  runtimes: ['node'],
  async run(rounds) {
    const world = await rounds.world({ database: 'proxy' });
    const other = new Client((await ownOf(world).another()).url);
    for (let time = 0; time < (rounds.quick ? 1 : 4); time += 1) {
      for (const how of ['down', 'frozen'] satisfies Absence[]) {
        const ms = 5_000 + rounds.random.below(2_000);
        await rounds.round(`${how} ${ms} ms`, () =>
          absentDuring(rounds, world, { how, ms, ends: 'before the turn does', other }),
        );
      }
    }
  },
};

async function absentDuring(
  rounds: Rounds,
  world: World,
  { how, ms, ends, other }: { how: Absence; ms: number; ends: string; other?: Client },
): Promise<void> {
  const { client } = world;
  const lasts = ends.startsWith('before') ? ms + 3_000 : Math.max(ms - 300, 500);
  const between = 100;
  const { ask, whole } = await newAsk(rounds, world, Math.ceil(lasts / between), between);
  const stream = await client.openTurn(ask);
  mustEqual(stream.status, 200, 'status of a stream');
  await stream.next('message.delta');
  const back = await goAway(world, how);
  await sleep(ms / 2);
  const half = textOf(stream.events).length;
  await sleep(ms / 2 - 100);
  const later = textOf(stream.events).length;
  const wasRunning = ends.startsWith('before');
  if (wasRunning) must(later > half, 'the client receives nothing while the database is away');
  await back();
  // Whoever looks now sees a lease that has run out, and an owner that is alive.
  const turnId = String(stream.headers['x-turn-id']);
  const looking = other && Promise.all([other.follow(turnId), client.follow(turnId)]);
  const told = await readAll(stream);
  await looking;
  mustBeWhole(told);
  mustEqual(told.message?.status, 'complete', `the turn after ${how} (${told.errorCode})`);
  const state = await client.turn(told.turnId);
  mustAgree(told, state.message);
  const answers = new Map([[ask.message, whole]]);
  const { conversationId } = ask;
  const expected = { conversationId, acknowledged: [ask.message], answers, settleMs: 5_000 };
  await mustBeConsistent(client, expected, rounds.random);
}

/** Takes the database away; the answer brings it back. */
async function goAway(world: World, how: Absence): Promise<() => Promise<void>> {
  const { proxy, sqld } = ownOf(world);
  if (!sqld) throw new Error('no sqld');
  switch (how) {
    case 'down':
      await proxy.down();
      return () => proxy.up();
    case 'frozen':
      sqld.pause();
      return async () => sqld.resume();
    case 'killed':
      await sqld.kill();
      return () => sqld.restart();
    case 'answers 500': {
      const undo = proxy.fail(() => true, '500');
      return async () => undo();
    }
  }
}

const tooLong: FaultCase = {
  name: 'database-down-too-long',
  what: 'the database goes while a turn streams and does not come back within the grace',
  runtimes: ['node', 'workerd'],
  fullOnly: true,
  async run(rounds) {
    const world = await rounds.world({ database: 'proxy' });
    await rounds.round('45 s', async () => {
      const { client } = world;
      const { proxy } = ownOf(world);
      const { ask, whole } = await newAsk(rounds, world, 20, 100);
      const stream = await client.openTurn(ask);
      await stream.next('message.delta');
      await proxy.down();
      const told = await readAll(stream, 90_000);
      await proxy.up();
      mustBeWhole(told);
      mustEqual(told.errorCode, 'not_stored', 'what the client is told');
      mustEqual(told.message?.status, 'interrupted', 'the status that the client is told');
      mustEqual(told.text, whole, 'the text that was streamed');
      const { conversationId } = ask;
      const expected = { conversationId, acknowledged: [ask.message], settleMs: 8_000 };
      await mustBeConsistent(client, expected, rounds.random);
      const next = { ...ask, key: rounds.random.word(), message: awkwardMessage(rounds.random) };
      const after = await client.streamTurn({ ...next, model: world.model({ tokens: ['x'] }) });
      mustEqual(after.message?.status, 'complete', 'the next turn');
    });
  },
};

const slow: FaultCase = {
  name: 'database-slow',
  what: 'every request to the database takes a second more',
  runtimes: ['node', 'workerd'],
  async run(rounds) {
    const world = await rounds.world({ database: 'proxy' });
    const { client } = world;
    const { proxy } = ownOf(world);
    const names = Array.from({ length: rounds.quick ? 3 : 12 }, (_, at) => `turn ${at}`);
    await rounds.together(names, 4, async () => {
      const { ask, whole } = await newAsk(rounds, world, 30, 60);
      proxy.delay(1_000);
      const told = await client.streamTurn(ask);
      mustBeWhole(told);
      mustEqual(told.message?.status, 'complete', 'the turn');
      mustEqual(told.text, whole, 'the text');
      proxy.delay(0);
      const state = await client.turn(told.turnId);
      mustAgree(told, state.message);
    });
  },
};

export const outages = [before, during, twoProcesses, tooLong, slow];
