/** Trees: changes of every kind at once, from one process or two, and kill -9 between them. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultCase, Rounds } from '../case.ts';
import { Client } from '../client.ts';
import { ownOf, type World } from '../world.ts';
import { mustSettle, plant, storm, repeatAll, type Garden } from '../garden.ts';

const races: FaultCase = {
  name: 'tree-races',
  what: 'edits, regenerations, branches, switches, deletions and forks at once in one conversation',
  runtimes: ['node', 'workerd'],
  async run(rounds) {
    const world = await rounds.world();
    await allRaces(rounds, world, [world.client]);
  },
};

const racesOfTwo: FaultCase = {
  name: 'tree-races-two-processes',
  what: 'the same from two processes on one sqld',
  runtimes: ['node'],
  async run(rounds) {
    const world = await rounds.world({ database: 'sqld' });
    const other = new Client((await ownOf(world).another()).url);
    await allRaces(rounds, world, [world.client, other]);
  },
};

async function allRaces(rounds: Rounds, world: World, servers: Client[]): Promise<void> {
  const names = Array.from({ length: rounds.quick ? 4 : 48 }, (_, at) => `tree ${at}`);
  await rounds.together(names, 4, async (name) => {
    const at = Number(name.slice(5));
    const garden = await plant(rounds.random, world, { deletes: at % 2 === 1 });
    const outcomes = await storm(rounds.random, garden, servers);
    await mustSettle(rounds.random, garden, outcomes);
  });
}

const kills: FaultCase = {
  name: 'tree-kill-9',
  what: 'kill -9 at any moment of the same changes, then a start on the same data, and all again',
  runtimes: ['node', 'workerd'],
  async run(rounds) {
    const world = await rounds.world();
    const times = rounds.quick ? 1 : rounds.runtime === 'node' ? 24 : 4;
    for (let time = 0; time < times; time += 1) {
      // From before the first write to after the last turn.
      const moment = time * 20 + rounds.random.below(rounds.quick ? 300 : 20);
      await killAll(rounds, world, moment);
    }
  },
};

async function killAll(rounds: Rounds, world: World, moment: number): Promise<void> {
  const { random } = rounds;
  const { server } = ownOf(world);
  const gardens = await Promise.all(
    Array.from({ length: rounds.quick ? 4 : 8 }, (_, at) =>
      plant(random, world, { deletes: at % 4 === 3 }),
    ),
  );
  const storms = gardens.map((garden) => storm(random, garden, [world.client]));
  await sleep(moment);
  await server.kill();
  await Promise.all(storms);
  await server.restart();
  await rounds.together(
    gardens.map((_, at) => `killed after ${moment} ms, tree ${at}`),
    gardens.length,
    async (name) => {
      const garden = gardens[Number(name.split(' ').at(-1))] as Garden;
      const first = await storms[gardens.indexOf(garden)];
      const outcomes = await repeatAll(garden, first ?? [], world.leaseMs);
      await mustSettle(random, garden, outcomes);
    },
  );
}

export const trees = [races, racesOfTwo, kills];
