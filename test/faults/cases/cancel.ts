/** Cancel against finish: whoever wins, there is one end and everybody is told the same. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultCase, Rounds } from '../case.ts';
import { Client, readAll } from '../client.ts';
import { mustAgree, mustBeConsistent, mustBeWhole } from '../invariants.ts';
import { awkwardMessage, awkwardTokens } from '../texts.ts';
import { must, mustEqual } from '../violation.ts';
import { ownOf, type World } from '../world.ts';

const races: FaultCase = {
  name: 'cancel-races',
  what: 'cancel in the very moment in which the turn finishes, two readers beside',
  runtimes: ['node', 'workerd'],
  remote: true,
  async run(rounds) {
    const world = await rounds.world();
    const names = Array.from({ length: rounds.quick ? 40 : 200 }, (_, at) => `race ${at}`);
    await rounds.together(names, 8, () => race(rounds, world, world.client));
  },
};

const fromElsewhere: FaultCase = {
  name: 'cancel-from-another-process',
  what: 'the same, the cancel going to another process',
  runtimes: ['node'],
  async run(rounds) {
    const world = await rounds.world();
    const other = new Client((await ownOf(world).another()).url);
    const names = Array.from({ length: rounds.quick ? 10 : 60 }, (_, at) => `race ${at}`);
    await rounds.together(names, 8, () => race(rounds, world, other, 1200));
  },
};

/** @param longestMs of the turn; the cancel comes anywhere in it */
async function race(rounds: Rounds, world: World, canceller: Client, longestMs = 0): Promise<void> {
  const { random } = rounds;
  const { client } = world;
  const tokens = awkwardTokens(random, 4);
  const between = longestMs > 0 ? longestMs / 4 : random.below(12);
  const model = world.model({ tokens, delayMs: { first: between, between } });
  const userId = random.word();
  const message = awkwardMessage(random);
  const conversationId = await client.createConversation(userId);
  const stream = await client.openTurn({ conversationId, userId, message, model });
  const turnId = String(stream.headers['x-turn-id']);
  const reader = client.follow(turnId);
  await sleep(random.below(Math.max(1, between * 6 + 5)));
  const [cancelled, second] = await Promise.all([
    canceller.cancel(turnId),
    random.below(2) === 0 ? canceller.cancel(turnId) : undefined,
  ]);
  const told = await readAll(stream);
  mustBeWhole(told);
  const followed = await reader;
  mustBeWhole(followed);
  const state = await client.ended(turnId, 5_000);
  must(['cancelled', 'complete'].includes(state.status), `status ${state.status} after a cancel`);
  for (const answer of [cancelled, second]) {
    if (answer && (canceller === client || answer.status !== 'streaming')) {
      mustEqual(answer.message, state.message, 'what cancel answered and what is stored');
    }
  }
  mustAgree(told, state.message);
  mustAgree(followed, state.message);
  const answers = world.own ? new Map([[message, tokens.join('')]]) : undefined;
  const expected = { conversationId, acknowledged: [message], settleMs: 5_000 };
  await mustBeConsistent(client, answers ? { ...expected, answers } : expected, random);
}

const stale: FaultCase = {
  name: 'cancel-late',
  what: 'a cancel for a turn that is over, while the next one runs',
  runtimes: ['node', 'workerd'],
  remote: true,
  async run(rounds) {
    const world = await rounds.world();
    const { client } = world;
    const { random } = rounds;
    const names = Array.from({ length: rounds.quick ? 5 : 20 }, (_, at) => `late ${at}`);
    await rounds.together(names, 4, async () => {
      const userId = random.word();
      const conversationId = await client.createConversation(userId);
      const ask = { conversationId, userId };
      const [one, two] = [awkwardMessage(random), awkwardMessage(random)];
      const first = await client.streamTurn({ ...ask, message: one, ...modelOf(world, 3, 0) });
      mustBeWhole(first);
      const stream = await client.openTurn({ ...ask, message: two, ...modelOf(world, 6, 40) });
      await stream.next('turn.started');
      const answers = await Promise.all([client.cancel(first.turnId), client.cancel(first.turnId)]);
      for (const answer of answers) {
        mustEqual(answer.message, first.message, 'a late cancel changed a turn that was over');
      }
      const second = await readAll(stream);
      mustEqual(second.message?.status, 'complete', 'the next turn, after a late cancel');
      const expected = { conversationId, acknowledged: [one, two], settleMs: 5_000 };
      await mustBeConsistent(client, expected, random);
    });

    function modelOf(here: World, count: number, between: number) {
      const model = here.model({ tokens: awkwardTokens(random, count), delayMs: { between } });
      return model === undefined ? {} : { model };
    }
  },
};

export const cancelRaces = [races, fromElsewhere, stale];
