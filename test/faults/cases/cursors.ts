/** Cursors that are wrong, ahead or at the end. */
import type { FaultCase } from '../case.ts';
import { readAll } from '../client.ts';
import { mustBeWhole } from '../invariants.ts';
import { mustEqual } from '../violation.ts';
import { newAsk } from './leave.ts';

export const cursors: FaultCase = {
  name: 'cursors',
  what: 'cursors that are garbled, of another turn, ahead, at the end; of running and finished turns',
  runtimes: ['node', 'workerd'],
  remote: true,
  async run(rounds) {
    const world = await rounds.world();
    const { client } = world;
    const times = rounds.quick ? 1 : 5;
    for (let time = 0; time < times; time += 1) {
      const { ask } = await newAsk(rounds, world, 5);
      const done = await client.streamTurn(ask);
      const next = await newAsk(rounds, world, 150);
      const stream = await client.openTurn(next.ask);
      const running = String(stream.headers['x-turn-id']);
      const id = done.events.at(-3)?.id ?? '';
      const bad = [
        'x',
        '%',
        '0',
        '-1',
        '9'.repeat(300),
        'null',
        `${id}.`,
        `${id}z`,
        `${id}.1.1.1`,
        '../..',
        '💥',
      ];
      for (const cursor of bad) {
        const sent = Buffer.from(cursor).toString('latin1');
        await rounds.round(`garbled ${cursor.slice(0, 20)}`, async () => {
          for (const turnId of [done.turnId, running]) {
            mustEqual(
              (await client.follow(turnId, sent, 3_000)).status,
              400,
              'status for a bad cursor',
            );
          }
        });
      }
      await rounds.round('of another turn', async () => {
        mustEqual((await client.follow(running, id)).status, 400, 'status');
        const started = stream.events[0]?.id ?? '';
        mustEqual((await client.follow(done.turnId, started)).status, 400, 'status');
      });
      await rounds.round('beyond the end of a finished turn', async () => {
        const beyond = id.replace(/\.[0-9a-z]+/u, '.zzzz');
        mustEqual((await client.follow(done.turnId, beyond)).status, 400, 'status');
      });
      await rounds.round('the terminal event', async () => {
        const end = done.events.at(-2)?.id ?? '';
        mustEqual((await client.follow(done.turnId, end)).status, 204, 'status');
      });
      await rounds.round('of an unknown turn', async () => {
        const unknown = done.turnId.replace(/.{6}$/u, '000000');
        mustEqual((await client.follow(unknown, id)).status, 404, 'status');
      });
      mustBeWhole(await readAll(stream));
    }
  },
};
