/** One Idempotency-Key, one turn: however many ask, and whatever happened to the first answer. */
import type { FaultCase, Rounds } from '../case.ts';
import { mustBeConsistent, mustBeWhole } from '../invariants.ts';
import { asArray, asRecord, asText } from '../../support/json.ts';
import { openStream } from '../../support/sse.ts';
import { Client } from '../client.ts';
import { awkwardMessage, awkwardTokens } from '../texts.ts';
import { must, mustEqual } from '../violation.ts';
import { ownOf, type World } from '../world.ts';

const AT_ONCE = 50;

const fifty: FaultCase = {
  name: 'idempotency-50',
  what: 'fifty requests with one key at once: new conversation or not, JSON or stream',
  runtimes: ['node', 'workerd'],
  remote: true,
  async run(rounds) {
    const world = await rounds.world();
    for (let time = 0; time < (rounds.quick ? 1 : 5); time += 1) {
      for (const begins of [true, false]) {
        for (const streams of [true, false]) {
          const name = `${begins ? 'new conversation' : 'message'}, ${streams ? 'streams' : 'JSON'}`;
          await rounds.round(name, () => manyAtOnce(rounds, world, { begins, streams }));
        }
      }
    }
  },
};

const twoProcesses: FaultCase = {
  name: 'idempotency-two-processes',
  what: 'the same, half of them to another process on one sqld',
  runtimes: ['node'],
  async run(rounds) {
    const world = await rounds.world({ database: 'sqld' });
    const other = new Client((await ownOf(world).another()).url);
    for (let time = 0; time < (rounds.quick ? 1 : 5); time += 1) {
      for (const [begins, streams] of [
        [true, true],
        [true, false],
        [false, true],
        [false, false],
      ] as const) {
        const name = `${begins ? 'new conversation' : 'message'}, ${streams ? 'streams' : 'JSON'}`;
        await rounds.round(name, () => manyAtOnce(rounds, world, { begins, streams, other }));
      }
    }
  },
};

async function manyAtOnce(
  rounds: Rounds,
  world: World,
  { begins, streams, other }: { begins: boolean; streams: boolean; other?: Client },
): Promise<void> {
  const { random } = rounds;
  const { client } = world;
  const userId = random.word();
  const key = random.word();
  const message = awkwardMessage(random);
  const tokens = awkwardTokens(random, 6);
  const model = world.model({
    tokens,
    delayMs: { first: random.below(60), between: random.below(20) },
  });
  const conversationId = begins ? undefined : await client.createConversation(userId);
  const ask = { conversationId, userId, message, model, key };
  const servers = Array.from({ length: AT_ONCE }, (_, at) => (at % 2 === 1 && other) || client);
  const turnIds = streams
    ? await sameStreams(servers.map((server) => server.streamTurn(ask)))
    : await sameAnswers(servers.map((server) => server.postTurn(ask)));
  must(turnIds.size === 1, `${turnIds.size} turns for one key (I9)`);
  if (world.own) mustEqual(world.own.calls(model), 1, 'calls of the model for one key (I9)');
  const [turnId = ''] = turnIds;
  const state = await client.turn(turnId);
  const answer = await client.call(`/turns/${turnId}`);
  const made = asText(asRecord(answer.json)['conversation_id']);
  mustEqual(state.status, 'complete', 'the turn of the key');
  const again = await client.streamTurn(ask);
  mustEqual(again.turnId, turnId, 'the turn of the key, asked for later');
  const changed = await client.postTurn({ ...ask, message: `${message}!` });
  mustEqual(changed.status, 409, 'the key with another body');
  const expected = { conversationId: made, acknowledged: [message], settleMs: 5_000 };
  await mustBeConsistent(client, expected, random);
  const list = await client.call(`/conversations?user_id=${userId}`);
  mustEqual(asArray(list.json).length, 1, 'conversations of the user');
}

async function sameStreams(streams: Promise<Awaited<ReturnType<World['client']['streamTurn']>>>[]) {
  const all = await Promise.all(streams);
  for (const told of all) {
    mustBeWhole(told);
    mustEqual(told.events[0]?.data, all[0]?.events[0]?.data, 'turn.started of one key');
    mustEqual(told.message, all[0]?.message, 'terminal event of one key');
    mustEqual(told.text, told.message?.content, 'text of one key');
  }
  return new Set(all.map((told) => told.turnId));
}

async function sameAnswers(answers: ReturnType<World['client']['postTurn']>[]) {
  const all = await Promise.all(answers);
  for (const answer of all) {
    mustEqual(answer.status, 200, `status for one key: ${answer.text.slice(0, 200)}`);
    mustEqual(answer.json, all[0]?.json, 'answer for one key');
  }
  return new Set(all.map((answer) => String(answer.headers['x-turn-id'])));
}

const otherPosts: FaultCase = {
  name: 'idempotency-other',
  what: 'one key at the POSTs without a turn; for a turn that fails; on the GETs that start a turn',
  runtimes: ['node', 'workerd'],
  async run(rounds) {
    const world = await rounds.world();
    const { client } = world;
    const { random } = rounds;
    for (let time = 0; time < (rounds.quick ? 1 : 5); time += 1) {
      for (const path of ['/conversations', '/chats', '/chat/conversations']) {
        await rounds.round(`POST ${path}`, async () => {
          const userId = random.word();
          const init = { json: { user_id: userId }, headers: { 'idempotency-key': random.word() } };
          const answers = await Promise.all(
            Array.from({ length: AT_ONCE }, () => client.call(path, init)),
          );
          for (const answer of answers) {
            mustEqual(answer.status, 200, 'status');
            mustEqual(answer.json, answers[0]?.json, 'answer for one key');
          }
          const list = await client.call(`/conversations?user_id=${userId}`);
          mustEqual(asArray(list.json).length, 1, 'conversations of the user');
        });
      }
      await rounds.round('a turn that fails', () => failsOnce(rounds, world));
      for (const path of ['/conversations', '/chat/conversations']) {
        await rounds.round(`GET ${path}/{id}/stream`, () => startsOnce(rounds, world, path));
      }
    }
  },
};

/** The failure is remembered as an answer is. */
async function failsOnce({ random }: Rounds, world: World): Promise<void> {
  const { client } = world;
  const model = world.model({ status: { code: 500 } });
  const ask = { userId: random.word(), message: awkwardMessage(random), model, key: random.word() };
  const first = await client.postTurn(ask);
  const second = await client.postTurn(ask);
  must(first.status >= 502, `status ${first.status} of a turn that fails`);
  mustEqual(second.status, first.status, 'status of the repeat');
  mustEqual(second.headers['x-turn-id'], first.headers['x-turn-id'], 'turn of the repeat');
  const list = await client.call(`/conversations?user_id=${ask.userId}`);
  mustEqual(asArray(list.json).length, 1, 'conversations of the user');
}

/**
 * Cut before anything came and asked for again when all is over: only the key says that it is the
 * same.
 */
async function startsOnce({ random }: Rounds, world: World, path: string): Promise<void> {
  const { client } = world;
  const userId = random.word();
  const conversationId = await client.createConversation(userId);
  const message = awkwardMessage(random);
  const model = world.model({ tokens: awkwardTokens(random, 3), delayMs: { first: 50 } });
  const query = { message, user_id: userId, model: model ?? '', idempotency_key: random.word() };
  const url = `${client.url}${path}/${conversationId}/stream?${new URLSearchParams(query).toString()}`;
  const first = await openStream(url);
  const turnId = String(first.headers['x-turn-id']);
  first.close();
  await client.ended(turnId, 5_000);
  const again = await openStream(url);
  await again.collect();
  mustEqual(again.headers['x-turn-id'], turnId, 'the turn of the key');
  const expected = { conversationId, acknowledged: [message], settleMs: 2_000 };
  await mustBeConsistent(client, expected, random);
}

export const idempotency = [fifty, twoProcesses, otherPosts];
