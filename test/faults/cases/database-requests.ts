/** The database fails the k-th request of a scenario, for every k, in each way. */
import type { DatabaseFailure } from '../../support/database-proxy.ts';
import type { FaultCase, Rounds } from '../case.ts';
import { mustBeConsistent, mustBeWhole } from '../invariants.ts';
import { awkwardMessage } from '../texts.ts';
import { mustEqual } from '../violation.ts';
import { ownOf, type World } from '../world.ts';
import { hanging, passing, refusing, scenarios, type Scenario } from './database-scenarios.ts';

/** The scenarios of a quick run. */
const QUICK = ['short turn', 'deleted in mid-turn', 'a history that goes on'];

const everyRequest: FaultCase = {
  name: 'database-request-k',
  what: 'the k-th request to the database fails, for every k, in each way',
  runtimes: ['node', 'workerd'],
  async run(rounds) {
    const world = await rounds.world({ database: 'proxy' });
    const ways = rounds.quick
      ? (['refuse', 'cut-after', 'busy', 'full'] satisfies DatabaseFailure[])
      : [...passing, ...refusing, ...hanging];
    const chosen = Object.entries(scenarios).filter(
      ([name]) => !rounds.quick || QUICK.includes(name),
    );
    for (const [name, scenario] of chosen) {
      const requests = await countRequests(rounds, world, name, scenario);
      for (const how of ways) {
        for (let k = 1; k <= requests; k += 1) {
          const title = `${name}, request ${k} of ${requests}, ${how}`;
          await rounds.round(title, async () => {
            await play(rounds, world, scenario, { k, how });
          });
        }
      }
    }
  },
};

/** How many requests a scenario makes when nothing fails. */
async function countRequests(rounds: Rounds, world: World, name: string, scenario: Scenario) {
  let requests = 0;
  await rounds.round(`${name}, nothing fails`, async () => {
    requests = await play(rounds, world, scenario);
  });
  return requests;
}

async function play(
  rounds: Rounds,
  world: World,
  scenario: Scenario,
  failure?: { k: number; how: DatabaseFailure },
): Promise<number> {
  const { proxy } = ownOf(world);
  proxy.reset();
  const userId = rounds.random.word();
  const conversationId = await world.client.createConversation(userId);
  proxy.reset();
  if (failure) proxy.fail(failure.k, failure.how);
  let requests: number | undefined;
  const heal = () => {
    requests ??= proxy.count();
    proxy.reset();
  };
  const scene = { world, rounds, userId, conversationId, how: failure?.how, heal };
  const stored = await scenario(scene).finally(heal);
  const settleMs = world.leaseMs + 2_000;
  await mustBeConsistent(world.client, { conversationId, settleMs, ...stored }, rounds.random);
  await mustGoOn(world, rounds, { userId, conversationId });
  return requests ?? 0;
}

/** The next turn works: no restart is ever needed. */
async function mustGoOn(
  world: World,
  { random }: Rounds,
  of: { userId: string; conversationId: string },
) {
  const model = world.model({ tokens: ['and on'] });
  const told = await world.client.streamTurn({ ...of, message: awkwardMessage(random), model });
  mustBeWhole(told);
  mustEqual(told.message?.status, 'complete', 'the next turn');
}

export const databaseRequests = [everyRequest];
