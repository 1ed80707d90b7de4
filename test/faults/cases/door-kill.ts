/** kill -9 at every door: nothing ends as if it were whole, and what asks again finds its turn. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Listening } from '../../support/doors/listening.ts';
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
/** Older than this, text must have been stored: a checkpoint a second, and time to write it. */
const CHECKPOINTED_MS = 2_500;

interface Victim {
  turn: DoorTurn;
  /** How many tokens the model says before it is silent. */
  k: number;
  listening: Listening;
}

const killing: FaultCase = {
  name: 'door-kill-9-event-k',
  what: 'kill -9 while streams of every door stand at event k, for every k; asked again after a start',
  runtimes: ['node', 'workerd'],
  async run(rounds) {
    const world = await rounds.world();
    for (const waitMs of rounds.quick ? [CHECKPOINTED_MS] : [0, 300, 1_000, CHECKPOINTED_MS])
      await killAll(rounds, world, waitMs);
  },
};

/** One kill hits a turn of each door at each event. */
async function killAll(rounds: Rounds, world: World, waitMs: number): Promise<void> {
  const { server } = ownOf(world);
  const places = rounds.quick ? [0, 3] : Array.from({ length: TOKENS + 1 }, (_, k) => k);
  const victims = await Promise.all(
    BEGINNINGS.flatMap((door) =>
      places.map(async (k): Promise<Victim> => {
        const fault = { how: 'stall' as const, afterTokens: k };
        const turn = doorTurn(rounds, world, { door, tokens: TOKENS, fault });
        return { turn, k, listening: await ask(world.client.url, turn) };
      }),
    ),
  );
  await Promise.all(
    victims.map(({ turn, k, listening }) => {
      // The end of what is said may be held back, where it could belong to what follows.
      const { length } = turn.said.slice(0, Math.max(0, k - 1)).join('');
      const isHeard = (text: string) =>
        k === 0 ? listening.events.length > 0 : text.length > length;
      return listening.until(({ text }) => isHeard(text));
    }),
  );
  await sleep(waitMs);
  await server.kill();
  await server.restart();
  await Promise.all(
    victims.map((victim) =>
      rounds.round(`${victim.turn.door.name}, killed ${waitMs} ms after event ${victim.k}`, () =>
        mustSurvive(rounds, world, victim, waitMs),
      ),
    ),
  );
}

async function mustSurvive(rounds: Rounds, world: World, victim: Victim, waitMs: number) {
  const { client, leaseMs } = world;
  const { turn, listening } = victim;
  const told = await listening.end();
  must(told.ending === undefined && !told.isOver, `a killed process told the end ${told.ending}`);
  must(told.isReset, 'the stream of a killed process ended properly');
  const known = { turnId: listening.turnId, events: [] };
  const again = turn.door.again
    ? await askAgain(client.url, turn)
    : await goOn(client.url, turn, known);
  const heard = await again?.end(leaseMs + 20_000);
  const answer = await mustBeOneTurn(rounds, world, turn, leaseMs + 10_000);
  mustEqual(answer.status, 'interrupted', 'status after kill -9');
  must(told.text.startsWith(answer.content), 'stored text that nobody was sent');
  if (waitMs >= CHECKPOINTED_MS)
    mustEqual(answer.content, told.text, 'text older than a checkpoint');
  if (!again || !heard) return;
  if (listening.turnId !== '')
    mustEqual(again.turnId, listening.turnId, 'the turn of a request that is repeated');
  must(heard.ending !== 'whole', 'a turn that was killed is told as a whole one');
  must(heard.isOver || heard.isReset, 'a turn that was killed has no end');
  mustEqual(heard.text, answer.content, 'the text of a request that is repeated');
}

export const doorKill = [killing];
