/** The model's service is cut off after byte k of its answer, for every k. */
import type { Behaviour } from '../../support/upstream.ts';
import type { FaultCase, Rounds } from '../case.ts';
import { mustAgree, mustBeConsistent } from '../invariants.ts';
import { awkwardMessage, awkwardTokens } from '../texts.ts';
import { must, mustEqual } from '../violation.ts';
import { ownOf, type World } from '../world.ts';

type Way = 'eof' | 'close' | 'reset';

const everyByte: FaultCase = {
  name: 'upstream-byte-k',
  what: 'the answer of the model ends after byte k (properly, dropped, reset), for every k',
  runtimes: ['node', 'workerd'],
  async run(rounds) {
    const world = await rounds.world();
    const tokens = awkwardTokens(rounds.random, 3);
    const { bytes, finish } = await measure(world, tokens);
    const step = rounds.quick ? 41 : rounds.runtime === 'node' ? 1 : 3;
    for (const how of ['eof', 'close', 'reset'] satisfies Way[]) {
      const names: string[] = [];
      for (let k = rounds.random.below(step); k <= bytes; k += step) names.push(String(k));
      await rounds.together(names, 6, (k) =>
        cutAt(rounds, world, { tokens, how, k: Number(k), finish }),
      );
    }
  },
};

/** How long the body is, and where its finish begins. */
async function measure(world: World, tokens: string[]) {
  const { upstream } = ownOf(world);
  const model = world.model({ tokens });
  await world.client.streamTurn({ userId: 'measure', message: 'measure', model });
  const request = upstream.requests.at(-1);
  must(request !== undefined, 'the model was not called');
  const response = await fetch(`${upstream.url}${request.path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request.body),
  });
  const body = Buffer.from(await response.arrayBuffer());
  const finish = body.indexOf(
    /"finish_reason":"stop"/u.test(body.toString())
      ? '"finish_reason":"stop"'
      : 'response.completed',
  );
  // Ids in the frames grow by a digit now and then.
  return { bytes: request.bytesWritten, finish: finish - 40 };
}

async function cutAt(
  rounds: Rounds,
  world: World,
  { tokens, how, k, finish }: { tokens: string[]; how: Way; k: number; finish: number },
): Promise<void> {
  const { client } = world;
  const behaviour: Behaviour = { tokens, fault: { how, atByte: k } };
  const model = world.model(behaviour);
  const message = awkwardMessage(rounds.random);
  const told = await client.streamTurn({ userId: rounds.random.word(), message, model });
  const state = await client.turn(told.turnId);
  mustAgree(told, state.message);
  const whole = tokens.join('');
  must(whole.startsWith(state.message.content), `the text is not what the model said (${how})`);
  if (k < finish) {
    const status = state.message.content === '' ? 'failed' : 'interrupted';
    mustEqual(state.status, status, `status of an answer that ended early (${how})`);
    must(state.errorCode !== '', 'no error is told');
  }
  const conversationId = String(told.events[0] && JSON.parse(told.events[0].data).conversation_id);
  const answers = new Map([[message, whole]]);
  const expected = { conversationId, acknowledged: [message], answers, settleMs: 3_000 };
  await mustBeConsistent(client, expected, rounds.random);
}

export const upstreamCuts = [everyByte];
