/**
 * Owners that fall asleep: whoever was taken over may not write any more, whoever was not may go
 * on.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultCase, Rounds } from '../case.ts';
import { Client, readAll, type Ask, type Told } from '../client.ts';
import { mustAgree, mustBeConsistent, mustBeWhole } from '../invariants.ts';
import { awkwardMessage, awkwardTokens } from '../texts.ts';
import { must, mustEqual } from '../violation.ts';
import { ownOf, type World } from '../world.ts';

async function slowTurn({ random }: Rounds, world: World) {
  const tokens = awkwardTokens(random, 30);
  const model = world.model({ tokens, delayMs: { between: 200 } });
  const userId = random.word();
  const conversationId = await world.client.createConversation(userId);
  const ask: Ask & { conversationId: string } = {
    conversationId,
    userId,
    message: awkwardMessage(random),
    model,
  };
  const stream = await world.client.openTurn(ask);
  return { ask, stream, turnId: String(stream.headers['x-turn-id']), whole: tokens.join('') };
}

/** The turn went on to its end, as if nothing had happened to its owner. */
async function mustComplete(
  world: World,
  { ask, turnId, whole }: Awaited<ReturnType<typeof slowTurn>>,
  told: Told,
): Promise<void> {
  mustBeWhole(told);
  const state = await world.client.turn(turnId);
  mustAgree(told, state.message);
  mustEqual(state.status, 'complete', 'the turn of an owner that nobody replaced');
  mustEqual(state.message.content, whole, 'its text');
  must(ownOf(world).calls(ask.model) === 1, 'the model was called again');
}

const takenOver: FaultCase = {
  name: 'owner-frozen-taken-over',
  what: 'SIGSTOP past the lease, another process takes over, SIGCONT: the old owner must not write',
  runtimes: ['node'],
  async run(rounds) {
    for (const database of ['file', 'sqld'] as const) {
      const world = await rounds.world({ database });
      const { server } = ownOf(world);
      const other = new Client((await ownOf(world).another()).url);
      for (let time = 0; time < (rounds.quick ? 1 : 4); time += 1) {
        const { random } = rounds;
        const victims = await Promise.all([slowTurn(rounds, world), slowTurn(rounds, world)]);
        await sleep(700 + random.below(1_500));
        server.pause();
        await sleep(world.leaseMs + 1_000);
        await rounds.round(`${database} ${time}`, async () => {
          try {
            for (const { ask, turnId } of victims) {
              const state = await other.ended(turnId, 5_000);
              mustEqual(state.status, 'interrupted', 'status of a turn without its owner');
              const next = {
                ...ask,
                message: awkwardMessage(random),
                model: world.model({ tokens: ['new'] }),
              };
              const told = await other.streamTurn(next);
              mustEqual(told.message?.status, 'complete', 'the next turn, elsewhere');
              Object.assign(ask, { next: next.message, before: state.message });
            }
          } finally {
            server.resume();
          }
          await sleep(2_500);
          for (const { ask, stream, turnId, whole } of victims) {
            const told = await readAll(stream);
            const state = await world.client.turn(turnId);
            const kept: unknown = Object.entries(ask).find(([name]) => name === 'before')?.[1];
            mustEqual(
              state.message,
              kept,
              'a turn that was taken over changed afterwards (fencing)',
            );
            mustBeWhole(told);
            mustEqual(told.message, state.message, 'what the old owner told its reader');
            const [, next] = Object.entries(ask).find(([name]) => name === 'next') ?? [];
            const acknowledged = [ask.message, String(next)];
            const answers = new Map([[ask.message, whole]]);
            const { conversationId } = ask;
            await mustBeConsistent(
              other,
              { conversationId, acknowledged, answers, settleMs: 3_000 },
              random,
            );
          }
        });
      }
    }
  },
};

const alone: FaultCase = {
  name: 'owner-frozen-alone',
  what: 'SIGSTOP past the lease with nobody else there, SIGCONT: the owner may finish',
  runtimes: ['node'],
  async run(rounds) {
    const world = await rounds.world();
    const { server } = ownOf(world);
    for (let time = 0; time < (rounds.quick ? 1 : 4); time += 1) {
      await rounds.round(`time ${time}`, async () => {
        const turn = await slowTurn(rounds, world);
        await sleep(700 + rounds.random.below(1_500));
        server.pause();
        await sleep(world.leaseMs + 1_500);
        server.resume();
        await mustComplete(world, turn, await readAll(turn.stream));
      });
    }
  },
};

const hanging: FaultCase = {
  name: 'checkpoint-hangs',
  what: 'what a turn stores while it runs hangs for longer than the lease: its owner lives, and nobody takes it over',
  runtimes: ['node'],
  async run(rounds) {
    const world = await rounds.world({ database: 'proxy' });
    const { proxy } = ownOf(world);
    const other = new Client((await ownOf(world).another()).url);
    for (let time = 0; time < (rounds.quick ? 1 : 4); time += 1) {
      await rounds.round(`time ${time}`, async () => {
        const isCheckpoint = ({ sql }: { sql: string }) => sql.includes('SET text_length = new');
        const undo = proxy.fail(({ statements }) => statements.some(isCheckpoint), 'hang');
        try {
          const turn = await slowTurn(rounds, world);
          const reading = readAll(turn.stream);
          // Whoever looks ends a turn whose owner is silent.
          const look = () => void other.turn(turn.turnId).catch(() => undefined);
          const looking = setInterval(look, 300);
          const told = await reading.finally(() => clearInterval(looking));
          must(proxy.count(({ failedWith }) => failedWith === 'hang') > 0, 'no checkpoint hung');
          await mustComplete(world, turn, told);
        } finally {
          undo();
        }
      });
    }
  },
};

const drains: FaultCase = {
  name: 'sigterm',
  what: 'SIGTERM at any moment of turns: each is told its end or was never accepted',
  runtimes: ['node'],
  async run(rounds) {
    const world = await rounds.world({
      database: 'proxy',
      env: { SHUTDOWN_GRACE_MS: '1500' },
    });
    const { server, proxy } = ownOf(world);
    for (let time = 0; time < (rounds.quick ? 2 : 10); time += 1) {
      const { random } = rounds;
      const turns = await Promise.all(
        Array.from({ length: 6 }, async (_, at) => {
          const tokens = awkwardTokens(random, at < 3 ? 4 : 40);
          const model = world.model({ tokens, delayMs: { between: 100 } });
          const userId = random.word();
          const conversationId = await world.client.createConversation(userId);
          const ask = {
            conversationId,
            userId,
            message: awkwardMessage(random),
            model,
            key: random.word(),
          };
          return { ask, whole: tokens.join('') };
        }),
      );
      // The slower the claims, the more likely that one is under way when the signal comes.
      proxy.delay(random.below(400));
      const telling = turns.map(async ({ ask }) => {
        await sleep(random.below(400));
        return world.client.streamTurn(ask);
      });
      await sleep(random.below(700));
      const code = await server.stop(10_000);
      proxy.delay(0);
      const told = await Promise.all(telling);
      await server.restart();
      await rounds.round(`exit ${time}`, async () => mustEqual(code, 0, 'exit code'));
      for (const [at, { ask, whole }] of turns.entries()) {
        await rounds.round(`turn ${at} of ${time}`, async () => {
          const one = told[at];
          const { conversationId } = ask;
          const accepted = one?.status === 200;
          if (one && accepted) {
            mustBeWhole(one);
            mustAgree(one, (await world.client.turn(one.turnId)).message);
            must(['complete', 'interrupted'].includes(one.message?.status ?? ''), 'status');
          } else must(one?.status === 503 || one?.status === 0, `status ${one?.status}`);
          const retried = await world.client.streamTurn(ask);
          mustBeWhole(retried);
          if (accepted) mustEqual(retried.message, one.message, 'a retry after the shutdown');
          else mustEqual(retried.message?.status, 'complete', 'a retry of what was never accepted');
          const answers = new Map([[ask.message, whole]]);
          const expected = {
            conversationId,
            acknowledged: [ask.message],
            answers,
            settleMs: 5_000,
          };
          await mustBeConsistent(world.client, expected, random);
        });
      }
    }
  },
};

export const owners = [takenOver, alone, hanging, drains];
