/**
 * Budgets under races: many turns of one user in several processes at once, some of which are
 * killed. The budget is never overrun, and nothing stays reserved.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from '../../support/http.ts';
import { asArray, asRecord } from '../../support/json.ts';
import type { TestServer } from '../../support/server.ts';
import type { FaultCase, Rounds } from '../case.ts';
import { Client, type Ask } from '../client.ts';
import { must, mustEqual } from '../violation.ts';
import { ownOf, type World } from '../world.ts';

const TURNS = 50;
/** Tokens: room for two or three turns of the model below at once, and for some twenty in all. */
const BUDGET = 12_000;
const AT_ONCE = 6;
/**
 * What the service counts for each turn: no more than the least that is reserved for one, since a
 * service that is told of a limit keeps to it.
 */
const USED = { input: 300, output: 250 };

const races: FaultCase = {
  name: 'budget-races',
  what: 'fifty turns at once in three processes, kill -9 among them, against one budget',
  runtimes: ['node'],
  async run(rounds) {
    const env = {
      LIMIT_TOKENS_PER_DAY: String(BUDGET),
      LIMIT_TURNS_AT_ONCE: String(AT_ONCE),
    };
    const world = await rounds.world({ env });
    const others = [await ownOf(world).another(env), await ownOf(world).another(env)];
    const times = rounds.quick ? 1 : 5;
    for (let time = 0; time < times; time += 1)
      await rounds.round(`race ${time}`, () => race(rounds, world, others));
  },
};

async function race({ random }: Rounds, world: World, others: TestServer[]): Promise<void> {
  const userId = random.word();
  const { server } = ownOf(world);
  const tokens = Array.from({ length: 20 }, (_, at) => `${at} `);
  const model = world.model({ tokens, usage: USED, delayMs: { between: 40 } }) ?? '';
  const clients = [server, ...others].map(({ url }) => new Client(url));
  const victim = others[random.below(others.length)];
  let isOver = false;
  const watching = watch(world.client, userId, () => isOver);
  // What it finds is told when it is awaited below.
  watching.catch(() => undefined);
  const asking = Array.from({ length: TURNS }, async (_, at) => {
    await sleep(random.below(2_500));
    await turnOf(clients[at % clients.length] ?? world.client, { userId, model, message: 'Hi' });
  });
  await sleep(1_500);
  await victim?.kill();
  await Promise.all(asking);
  await victim?.restart();
  await sleep(world.leaseMs + 2_000);
  isOver = true;
  await watching;
  await settled(world.client, userId);
  const { requests } = ownOf(world).upstream;
  const called = requests.filter((each) => model.endsWith(`/${each.model}`)).length;
  must(called > 0, 'no turn at all was accepted');
  // A turn that was cut off by the kill has used no more than its reservation either.
  const most = Math.floor(BUDGET / USED.input);
  must(called <= most, `${called} turns were accepted where ${most} could fit`);
}

/** Asks for a turn; it may be refused, or die with its process. */
async function turnOf(client: Client, ask: Ask): Promise<void> {
  const told = await client.streamTurn(ask).catch(() => undefined);
  if (!told || told.status === 0 || told.status === 200) return;
  mustEqual(told.status, 429, 'status of a turn that was refused');
}

interface State {
  name: string;
  limit: number;
  used: number;
  reserved: number;
}

async function statesOf(client: Client, userId: string): Promise<State[]> {
  const answer = await request(`${client.url}/limits?user_id=${userId}`);
  mustEqual(answer.status, 200, 'status of GET /limits');
  return asArray(asRecord(answer.json)['limits']).map((each) => {
    const { name, limit, used, reserved } = asRecord(each);
    return {
      name: String(name),
      limit: Number(limit),
      used: Number(used),
      reserved: Number(reserved),
    };
  });
}

/** No limit is ever overrun, whenever one looks. */
async function watch(client: Client, userId: string, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    for (const { name, limit, used, reserved } of await statesOf(client, userId))
      must(used + reserved <= limit, `${name}: ${used} and ${reserved} of ${limit} (overrun)`);
    await sleep(50);
  }
}

/** Nothing is reserved once all leases have run out, and the budget holds. */
async function settled(client: Client, userId: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const states = await statesOf(client, userId);
    const open = states.filter(({ name, used, reserved }) =>
      name === 'turns_at_once' ? used > 0 : reserved > 0,
    );
    if (open.length === 0) return;
    must(Date.now() < deadline, `still reserved: ${JSON.stringify(open)}`);
    await sleep(200);
  }
}

export const budgets = [races];
