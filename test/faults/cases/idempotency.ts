/** One Idempotency-Key, one turn: however many ask, and whatever happened to the first answer. */
import type { FaultCase, Rounds } from '../case.ts';
import { mustBeConsistent, mustBeWhole } from '../invariants.ts';
import { asRecord, asText } from '../../support/json.ts';
import { awkwardMessage, awkwardTokens } from '../texts.ts';
import { must, mustEqual } from '../violation.ts';
import type { World } from '../world.ts';

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
          await rounds.round(name, () => manyAtOnce(rounds, world, begins, streams));
        }
      }
    }
  },
};

async function manyAtOnce(rounds: Rounds, world: World, begins: boolean, streams: boolean) {
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
  const asks = Array.from({ length: AT_ONCE }, () => ask);
  const turnIds = streams
    ? await sameStreams(asks.map((one) => client.streamTurn(one)))
    : await sameAnswers(asks.map((one) => client.postTurn(one)));
  must(turnIds.size === 1, `${turnIds.size} turns for one key (I9)`);
  if (world.own) mustEqual(world.own.calls(model), 1, 'calls of the model for one key (I9)');
  const [turnId = ''] = turnIds;
  const state = await client.turn(turnId);
  const answer = await client.call(`/turns/${turnId}`);
  const made = asText(asRecord(answer.json)['conversation_id']);
  mustEqual(state.status, 'complete', 'the turn of the key');
  const again = await client.streamTurn(ask);
  mustEqual(again.turnId, turnId, 'the turn of the key, asked for later');
  const other = await client.postTurn({ ...ask, message: `${message}!` });
  mustEqual(other.status, 409, 'the key with another body');
  const expected = { conversationId: made, acknowledged: [message], settleMs: 5_000 };
  await mustBeConsistent(client, expected, random);
  const list = await client.call(`/conversations?user_id=${userId}`);
  mustEqual((list.json as unknown[]).length, 1, 'conversations of the user');
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

export const idempotency = [fifty];
