/**
 * Budgets under races: many turns of one user in several processes at once, some of which are
 * killed. The budget is never overrun, and nothing stays reserved.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { asArray, asRecord } from '../../support/json.ts';
import { createKey, idOfKey } from '../../support/keys.ts';
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

const TIMES = 5;

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
    const times = rounds.quick ? 1 : TIMES;
    for (let time = 0; time < times; time += 1)
      await rounds.round(`race ${time}`, () => {
        const userId = rounds.random.word();
        return race(rounds, { world, others, userId, keys: [undefined], budget: BUDGET });
      });
  },
};

/** What one of the two keys may use of its user's budget. */
const OF_KEY = { tokens_per_day: 7_000, turns_at_once: 3 };

const keyRaces: FaultCase = {
  name: 'budget-races-of-keys',
  what: 'the same by two keys, of which one has limits of its own, against a budget by exception',
  runtimes: ['node'],
  async run(rounds) {
    const env = { AUTH: 'keys' };
    const world = await rounds.world({ env });
    const others = [await ownOf(world).another(env), await ownOf(world).another(env)];
    const { databaseUrl, url } = ownOf(world).server;
    const admin = new Client(url, await createKey(databaseUrl, { user: 'admin', scope: 'admin' }));
    const times = rounds.quick ? 1 : TIMES;
    for (let time = 0; time < times; time += 1)
      await rounds.round(`race ${time}`, async () => {
        const userId = `${rounds.random.word()}-${time}`;
        const keys = await Promise.all([1, 2].map(() => createKey(databaseUrl, { user: userId })));
        const ofUser = { tokens_per_day: BUDGET, turns_at_once: AT_ONCE };
        await setLimits(admin, `/users/${userId}/limits`, ofUser);
        await setLimits(admin, `/keys/${idOfKey(keys[0] ?? '')}/limits`, OF_KEY);
        await race(rounds, { world, others, userId, keys, budget: BUDGET });
      });
  },
};

async function setLimits(admin: Client, path: string, json: object): Promise<void> {
  const { status } = await admin.call(path, { method: 'PUT', json });
  mustEqual(status, 200, `status of PUT ${path}`);
}

interface Race {
  world: World;
  others: TestServer[];
  userId: string;
  /** The keys by which turns are asked for; undefined where nobody is asked who they are. */
  keys: (string | undefined)[];
  budget: number;
}

async function race(
  { random }: Rounds,
  { world, others, userId, keys, budget }: Race,
): Promise<void> {
  const { server } = ownOf(world);
  const tokens = Array.from({ length: 20 }, (_, at) => `${at} `);
  const model = world.model({ tokens, usage: USED, delayMs: { between: 40 } }) ?? '';
  const urls = [server, ...others].map(({ url }) => url);
  const clients = urls.flatMap((url) => keys.map((key) => new Client(url, key)));
  const victim = others[random.below(others.length)];
  let isOver = false;
  const watchers = keys.map((key) => new Client(server.url, key));
  const watching = Promise.all(watchers.map((client) => watch(client, userId, () => isOver)));
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
  for (const client of watchers) await settled(client, userId);
  const { requests } = ownOf(world).upstream;
  const called = requests.filter((each) => model.endsWith(`/${each.model}`)).length;
  must(called > 0, 'no turn at all was accepted');
  // A turn that was cut off by the kill has used no more than its reservation either.
  const most = Math.floor(budget / USED.input);
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
  of: string;
  limit: number;
  used: number;
  reserved: number;
}

async function statesOf(client: Client, userId: string): Promise<State[]> {
  const answer = await client.call(`/limits?user_id=${userId}`);
  mustEqual(answer.status, 200, 'status of GET /limits');
  return asArray(asRecord(answer.json)['limits']).map((each) => {
    const { name, of, limit, used, reserved } = asRecord(each);
    return {
      name: String(name),
      of: String(of),
      limit: Number(limit),
      used: Number(used),
      reserved: Number(reserved),
    };
  });
}

/** No limit is ever overrun, whenever one looks. */
async function watch(client: Client, userId: string, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    for (const { name, of, limit, used, reserved } of await statesOf(client, userId))
      must(
        used + reserved <= limit,
        `${name} of the ${of}: ${used} and ${reserved} of ${limit} (overrun)`,
      );
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

export const budgets = [races, keyRaces];
