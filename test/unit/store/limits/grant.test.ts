/**
 * A turn that is granted what it wants by the short way is told the same as one for which the long
 * way reserves, whatever was used before and whatever runs beside it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../../../src/core/ids.ts';
import { NO_LIMITS, type Budget, type Limits } from '../../../../src/core/limits.ts';
import { connectFile } from '../../../../src/host/node/database/libsql-file.ts';
import { migrateFromFolder } from '../../../../src/host/node/database/open.ts';
import type { Database } from '../../../../src/store/database.ts';
import { readBudget } from '../../../../src/store/limits/budget.ts';
import { reserveOnly } from '../../../../src/store/limits/reserve.ts';
import { reservedFrom } from '../../../../src/store/limits/reserved.ts';
import { standingFrom } from '../../../../src/store/limits/standing-at-end.ts';
import { setLimits } from '../../../../src/store/limits/own-limits.ts';
import { keepSums } from '../../../../src/store/limits/usage-sums.ts';
import { UNITS_A_TOKEN, WAYS, type Way } from '../../../../src/store/limits/wanted.ts';
import { ClaimWays } from '../../../../src/turns/accept/claim-ways.ts';
import { claimTurn } from '../../../../src/store/turns/claim-turn.ts';
import type { ClaimResult, TurnClaim } from '../../../../src/store/turns/claim.ts';
import { endTurn } from '../../../../src/store/turns/end-turn.ts';
import { sentTokens } from '../../../../src/store/turns/sent-tokens.ts';
import { recordCalls } from '../../../../src/store/usage/ledger.ts';
import { createRandom } from '../../../faults/random.ts';

const DAY_MS = 86_400_000;
const LEASE_MS = 15_000;
const STEPS = 1_050;
const KEY = 'key';
/** The time of a turn that asks how the limits stand at its end, and of one that knows it. */
const [LONG_MS, SHORT_MS] = [1_000, 999];
const users = ['ann', 'bob'];
/** Limits that are often met, which hold in turn. */
const PHASES: readonly Limits[] = [
  { turns_at_once: 2 },
  { streams: 2 },
  { requests_per_minute: 12 },
  { tokens_per_day: 1_500 },
  { tokens_per_month: 2_000 },
  { cost_per_month: 6_000 },
  { requests_per_minute: 40, turns_at_once: 3, tokens_per_day: 3_000, cost_per_month: 30_000 },
].map((limits) => ({ ...NO_LIMITS, ...limits }));
const [DEFAULTS = NO_LIMITS] = PHASES.slice(-1);

/** A database, and the number of batches since that was asked last. */
class Side {
  readonly #folder = mkdtempSync(join(tmpdir(), 'parley-grant-'));
  readonly #file: Database = connectFile(`file:${join(this.#folder, 'parley.db')}`);
  readonly way: Way;
  batches = 0;
  statements = 0;
  readonly db: Database = {
    writes: 0,
    batch: (...batch) => {
      this.batches++;
      this.statements += batch[0].length;
      return this.#file.batch(...batch);
    },
    flush: () => this.#file.flush(),
    close: () => this.#file.close(),
  };

  constructor(way: Way) {
    this.way = way;
  }

  async open(): Promise<void> {
    await migrateFromFolder(this.#file);
  }

  run(sql: string): Promise<unknown> {
    return this.#file.batch([{ sql, args: [] }], 'write');
  }

  close(): void {
    this.#file.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const [short, long] = [new Side('grant'), new Side('reserve')];
const sides = [short, long];
beforeAll(() => Promise.all(sides.map((side) => side.open())));
afterAll(() => sides.forEach((side) => side.close()));

interface Asked {
  turnId: string;
  conversationId: string;
  userId: string;
  most: number | null;
  /** Left out for a whole answer, which is no stream. */
  streams?: number;
}

function claimOf(asked: Asked, firstWay: Way, defaults: Limits): TurnClaim {
  const { turnId, conversationId, userId, most, streams } = asked;
  return {
    ...{ turnId, assistantMessageId: `${turnId}-a`, answerClientId: null, instanceId: 'i' },
    ...{ conversationId, principal: { kind: 'anyone', userId }, title: null },
    ...{ model: null, defaultModel: 'some/model' },
    input: {
      ...{ kind: 'message', messageId: `${turnId}-q`, parts: [{ type: 'text', text: 'Hi' }] },
      ...{ textLength: 2, tokens: 2, parentId: undefined, parentMayBeQuestion: false },
      ...{ clientId: null, historyHash: null },
    },
    reservation: {
      ...{ defaults, leaseMs: LEASE_MS, keyId: KEY, firstWay, turnId, prompt: 12, from: null },
      ...{ atHead: true, most, least: 50, model: 'some/model', allowance: [300, 900, 2, 3] },
      models: '{"*":[100,100,null,null]}',
      streams: streams === undefined ? undefined : { user: streams, key: streams },
    },
  };
}

/** A turn that ends, and the tokens of its input and of its output. */
interface Ended {
  asked: Asked;
  used: number;
  defaults: Limits;
  durationMs: number;
}

type Accepted = Extract<ClaimResult, { kind: 'accepted' }>;

/** What a caller is told, without what depends on the millisecond. */
function toldOf(result: ClaimResult) {
  const reserved = 'reserved' in result ? result.reserved : undefined;
  return {
    kind: result.kind,
    granted: reserved?.granted,
    need: reserved?.need,
    budget: standing(reserved?.budget),
  };
}

function standing(budget: Budget | undefined) {
  return budget?.map(({ resetsInMs, ...state }) => ({ ...state, resets: resetsInMs !== null }));
}

/** Ends a turn. @param durationMs the time that it took; a short one knows how the limits stand */
async function end(
  side: Side,
  { asked, accepted, used, defaults, durationMs }: Ended & { accepted: Accepted },
) {
  const { turnId, conversationId, userId } = asked;
  const { reserved, acceptedAt } = accepted;
  const ending = {
    ...{
      status: 'complete' as const,
      parts: [{ type: 'text' as const, text: 'Yes' }],
      inputTokens: used,
    },
    ...{ outputTokens: used, tokensEstimated: false, finishReason: 'stop' as const, isValid: null },
    ...{ firstTokenMs: 1, durationMs, model: 'some/model', tokenRatio: null },
  } as const;
  const head = {
    ...{ turnId, conversationId, acceptedAt, model: 'some/model', created: false, title: null },
    userMessage: { id: `${turnId}-q`, text: 'Hi', ...accepted.prompt },
    assistantMessage: { id: `${turnId}-a`, clientId: null, ...accepted },
    ...{ conversationCreatedAt: 1, parameters: undefined },
  };
  const call = {
    ...{ workId: turnId, number: 0, userId, conversationId, keyId: KEY, kind: 'answer' as const },
    ...{ model: 'some/model', inputTokens: used, outputTokens: used, cachedTokens: 0 },
    ...{ reasoningTokens: 0, isEstimated: false, nanodollars: used * 5 },
  } as const;
  // The long way of the end is that of keys with limits of their own.
  const before = reserved && { ...reserved, hasKeyLimits: side === long };
  const ask = { defaults, leaseMs: LEASE_MS, keyId: KEY, userId, acceptedAt };
  const budgetOf = before && before.budget.length > 0 ? { ...ask, before } : undefined;
  const stored = await endTurn(side.db, {
    ...{ head, instanceId: 'i', ending, calls: [call], retryForMs: 0, budgetOf },
  });
  // The next turn finds the same as from the texts.
  await side.run(
    `UPDATE messages SET context_tokens = (${sentTokens(`'${turnId}-a'`, UNITS_A_TOKEN)}) WHERE id = '${turnId}-a'`,
  );
  return standing(stored?.limits);
}

it('tells the same, whatever was used and whatever runs', async () => {
  const random = createRandom(5);
  const running: { asked: Asked; accepted: Accepted[]; defaults: Limits }[] = [];
  const conversations = users.flatMap((userId) =>
    Array.from({ length: 5 }, (_, at) => ({ userId, conversationId: `${userId}-${at}` })),
  );
  for (const { userId, conversationId } of conversations)
    for (const side of sides)
      await side.run(
        `INSERT INTO conversations (id, user_id, mode, created_at, updated_at) VALUES ('${conversationId}', '${userId}', 'open', 1, 1)`,
      );
  const kinds: Record<string, number> = {};
  const met = new Set<Limits>();
  for (let step = 0; step < STEPS; step++) {
    const defaults = PHASES[Math.floor((step * PHASES.length) / STEPS)] ?? DEFAULTS;
    const change = random.below(20);
    const userId = users[random.below(users.length)]!;
    if (change < 10) {
      const { conversationId, userId: owner } = conversations[random.below(conversations.length)]!;
      const most = [null, 40, 400, 5_000][random.below(4)]!;
      const asked = {
        turnId: newId(),
        conversationId,
        userId: owner,
        most,
        streams: random.below(4),
      };
      short.batches = 0;
      const [one, other] = await Promise.all(
        sides.map((side) =>
          claimTurn(side.db, claimOf(asked, side.way, defaults), {
            leaseMs: LEASE_MS,
            windowMessages: 20,
          }),
        ),
      );
      expect(toldOf(one!), `step ${step}`).toEqual(toldOf(other!));
      const kind = `${one!.kind} in ${short.batches}`;
      kinds[kind] = (kinds[kind] ?? 0) + 1;
      if (one?.kind === 'limited') met.add(defaults);
      if (one?.kind === 'accepted' && other?.kind === 'accepted')
        running.push({ asked, accepted: [one, other], defaults });
    } else if (change < 16) {
      const [turn] = running.splice(random.below(running.length || 1), 1);
      if (!turn) continue;
      const used = random.below(120);
      short.batches = 0;
      const told = await Promise.all(
        sides.map((side, at) =>
          end(side, { ...turn, accepted: turn.accepted[at]!, used, durationMs: LONG_MS }),
        ),
      );
      expect(told[0], `step ${step}`).toEqual(told[1]);
      const ends = `ended in ${short.batches}`;
      kinds[ends] = (kinds[ends] ?? 0) + 1;
    } else if (change === 16) {
      // An entry that changes makes the sums be worked out anew.
      for (const side of sides)
        await side.run(
          `DELETE FROM ledger WHERE user_id = '${userId}' AND number = 0 AND input_tokens > 100`,
        );
    } else if (change === 17) {
      const at = Date.now() - random.below(3) * DAY_MS;
      const entry = {
        ...{ workId: newId(), number: 0, userId, conversationId: null, keyId: null },
        ...{
          kind: 'embedding' as const,
          model: 'm',
          inputTokens: 7,
          outputTokens: 0,
          cachedTokens: 0,
        },
        ...{ reasoningTokens: 0, isEstimated: false, nanodollars: 3 },
      } as const;
      for (const side of sides) await side.db.batch(recordCalls([entry], at), 'write');
    } else if (change === 18) {
      // What is set while a turn runs is told by the next one.
      if (running.some(({ asked }) => asked.userId === userId)) continue;
      const own = [{}, { tokens_per_day: 2_000 }, { turns_at_once: 3 }];
      const set = own[random.below(own.length)]!;
      for (const side of sides) await setLimits(side.db, userId, set);
    } else if (random.below(2)) {
      // The process of the running turns has died.
      for (const side of sides)
        await side.run(
          `UPDATE turns SET heartbeat_at = 0 WHERE state = 'running' AND user_id = '${userId}'`,
        );
    } else {
      // A day has passed: what was kept is of yesterday.
      for (const side of sides)
        await side.run(
          `UPDATE ledger SET created_at = created_at - ${DAY_MS} WHERE user_id = '${userId}';`,
        );
      for (const side of sides)
        await side.run(
          `UPDATE usage_sums SET day = day - ${DAY_MS}, day_tokens = 0 WHERE user_id = '${userId}'`,
        );
    }
  }
  expect(
    PHASES.filter((limits) => !met.has(limits)),
    'limits that were not met',
  ).toEqual([]);
  // All of it has been seen: what was granted at once, only in part or not at all.
  expect(Object.keys(kinds).toSorted()).toEqual([
    ...['accepted in 1', 'accepted in 2', 'busy in 1', 'ended in 1', 'ended in 2', 'limited in 2'],
  ]);
  expect(kinds['accepted in 1']).toBeGreaterThan(50);
  // Sums of yesterday are read apart.
  expect(kinds['ended in 1']).toBeGreaterThan(5 * (kinds['ended in 2'] ?? 0));
});

/** Makes a claim in a conversation of its own. */
async function claimAlone(userId: string, way: Way, limits: Limits, turnId = newId()) {
  const conversationId = `${userId}-alone`;
  await short.run(
    `INSERT INTO conversations (id, user_id, mode, created_at, updated_at)
      VALUES ('${conversationId}', '${userId}', 'open', 1, 1) ON CONFLICT DO NOTHING`,
  );
  const claim = claimOf({ turnId, conversationId, userId, most: null }, way, limits);
  short.batches = 0;
  const result = await claimTurn(short.db, claim, { leaseMs: LEASE_MS, windowMessages: 20 });
  return { result, turnId, batches: short.batches };
}

/** What follows an answer of {@link claimAlone} that a process remembers. */
const afterRemembered = (first: string) => ({
  parentId: `${first}-a`,
  historyHash: `${first}-next`,
  after: { question: first, textLength: 0 },
});

it.each(PHASES)('knows what it would read at the end of a short turn: %o', async (limits) => {
  const conversationId = newId();
  const userId = newId();
  const told: unknown[] = [];
  for (const side of sides) {
    const ask = { defaults: limits, leaseMs: LEASE_MS, keyId: KEY };
    await side.db.batch(keepSums(userId, ask), 'write');
    await side.run(`INSERT INTO conversations (id, user_id, mode, created_at, updated_at)
      VALUES ('${conversationId}', '${userId}', 'open', 1, 1)`);
  }
  const statements: number[] = [];
  for (const used of [0, 7, 21]) {
    const asked = { turnId: newId(), conversationId, userId, most: 40, streams: 1 };
    for (const durationMs of [SHORT_MS, LONG_MS]) {
      const side = durationMs === SHORT_MS ? short : long;
      const claim = claimOf(asked, 'grant', limits);
      const accepted = await claimTurn(side.db, claim, { leaseMs: LEASE_MS, windowMessages: 20 });
      expect(accepted).toMatchObject({ kind: 'accepted', reserved: { granted: { output: 40 } } });
      if (accepted.kind !== 'accepted') return;
      side.statements = 0;
      const ended = { asked, accepted, used, defaults: limits, durationMs };
      told.push(await end(side, ended));
      statements.push(side.statements);
    }
    expect(told.at(-2)).toEqual(told.at(-1));
  }
  expect(statements).toEqual([3, 4, 3, 4, 3, 4]);
});

it('counts the requests anew at the end of a turn, where their limit was set while it ran', async () => {
  const [userId, limits] = [newId(), { ...NO_LIMITS, requests_per_minute: 9 }];
  await keep(userId, limits);
  const first = await claimAlone(userId, 'grant', limits);
  expect(first).toMatchObject({ result: { kind: 'accepted' }, batches: 1 });
  if (first.result.kind !== 'accepted') return;
  await setLimits(short.db, userId, { requests_per_minute: 9 });
  const asked = { turnId: first.turnId, conversationId: `${userId}-alone`, userId, most: null };
  const ended = { asked, accepted: first.result, used: 7, defaults: limits, durationMs: LONG_MS };
  expect(await end(short, ended)).toMatchObject([{ name: 'requests_per_minute', used: 1 }]);
});

it('counts no turn out that began although it did not fit', async () => {
  const userId = newId();
  const limits = { ...NO_LIMITS, turns_at_once: 3, tokens_per_day: 10 };
  await keep(userId, limits);
  const turnId = newId();
  const { result } = await claimAlone(userId, 'unlimited', NO_LIMITS, turnId);
  expect(result.kind).toBe('accepted');
  const ask = { defaults: limits, leaseMs: LEASE_MS, keyId: KEY, userId };
  const { reservation } = claimOf(
    { turnId, conversationId: '', userId, most: null },
    'reserve',
    limits,
  );
  const [told] = await short.db.batch([reserveOnly(reservation!)], 'write');
  const before = reservedFrom(told)!;
  expect(before).toMatchObject({ granted: undefined, areSumsKept: true });
  const atEnd = { ...ask, before, acceptedAt: Date.now() };
  const ended = { calls: [], durationMs: SHORT_MS };
  const known = await standingFrom(short.db, undefined, atEnd, ended);
  expect(standing(known)).toEqual(standing(await readBudget(short.db, ask)));
});

describe('grants a turn that goes', () => {
  /** Claims a turn after one that has ended. @param noted the tokens up to its answer */
  async function claimAfter(
    how: (first: string) => object,
    more: Partial<TurnClaim> = {},
    { noted = 14, limits = DEFAULTS }: { noted?: number | null; limits?: Limits } = {},
  ) {
    const [userId, first] = [newId(), newId()];
    await keep(userId, limits);
    expect(await claimAlone(userId, 'grant', limits, first)).toMatchObject({ batches: 1 });
    await short.run(`UPDATE turns SET state = 'ended' WHERE id = '${first}'`);
    await short.run(`UPDATE messages SET status = 'complete', finish_reason = 'tool_calls',
      history_hash = '${first}', context_tokens = CASE role WHEN 'assistant' THEN ${noted} END, parts = '{"type":"tool_call","tool_call_id":"c"}'
      WHERE turn_id = '${first}'`);
    const asked = { turnId: newId(), conversationId: `${userId}-alone`, userId, most: null };
    const claim = claimOf(asked, 'grant', limits);
    const input = { ...claim.input, ...how(first) };
    short.batches = 0;
    const made = { ...claim, ...more, input };
    const result = await claimTurn(short.db, made, { leaseMs: LEASE_MS, windowMessages: 20 });
    return { result, batches: short.batches };
  }

  const places: Record<string, (first: string) => object> = {
    'to the end of the path': () => ({}),
    'to a new beginning': () => ({ parentId: null }),
    'after an answer': (first) => ({ parentId: `${first}-a` }),
    'after one that is remembered': afterRemembered,
  };
  it.each(Object.entries(places))('%s', async (_, how) => {
    expect(await claimAfter(how)).toMatchObject({ result: granted, batches: 1 });
  });

  it('by the texts, where nobody has noted their tokens', async () => {
    const result = await claimAfter(() => ({}), {}, { noted: null });
    expect(result).toMatchObject({ result: granted, batches: 2 });
    const limits = { ...NO_LIMITS, turns_at_once: 5 };
    expect(await claimAfter(() => ({}), {}, { noted: null, limits })).toMatchObject({
      result: granted,
      batches: 1,
    });
  });

  const answers = { calls: ['c'], approvals: [] };
  const inheriting: Record<string, (first: string) => object> = {
    'with results of calls': () => ({ answers }),
    'with results of calls that are remembered': (first) => ({
      ...afterRemembered(first),
      answers,
    }),
    'beside an answer': (first) => ({ kind: 'regenerate', promptId: `${first}-q` }),
  };
  it.each(Object.entries(inheriting))('%s, and takes over nothing', async (_, how) => {
    const own = { model: 'some/model', parameters: { max_output_tokens: 300 } };
    expect(await claimAfter(how, own)).toMatchObject({ result: granted, batches: 1 });
  });
});

/** Keeps the sums of a user, as the end of a first turn does. */
async function keep(userId: string, limits: Partial<Limits>): Promise<void> {
  const ask = { defaults: { ...NO_LIMITS, ...limits }, leaseMs: LEASE_MS, keyId: KEY };
  await short.db.batch(keepSums(userId, ask), 'write');
}

const granted = { kind: 'accepted', reserved: { granted: { output: 300 } } };

it('tells a claim that was made before the same again', async () => {
  const turnId = newId();
  await keep('again', DEFAULTS);
  const first = await claimAlone('again', 'grant', DEFAULTS, turnId);
  expect(first).toMatchObject({ result: granted, batches: 1 });
  const { result } = await claimAlone('again', 'grant', DEFAULTS, turnId);
  expect(toldOf(result)).toEqual(toldOf(first.result));
});

it('reserves nothing for those who have no limits, and what fits for those who have got some', async () => {
  const free = await claimAlone('free', 'unlimited', NO_LIMITS);
  expect(free).toMatchObject({ result: { kind: 'accepted', reserved: undefined }, batches: 1 });
  await setLimits(short.db, 'bound', { tokens_per_day: 1_000 });
  await keep('bound', {});
  const bound = await claimAlone('bound', 'unlimited', NO_LIMITS);
  expect(bound).toMatchObject({ result: granted, batches: 2 });
});

it('knows the limits of a key that has got some', async () => {
  await short.run(
    `INSERT INTO key_limits (key_id, user_id, turns_at_once) VALUES ('${KEY}', 'x', 0)`,
  );
  for (const way of WAYS)
    expect((await claimAlone('keyed', way, DEFAULTS)).result).toMatchObject({
      kind: 'limited',
      reserved: { hasKeyLimits: true },
    });
  await short.run('DELETE FROM key_limits');
});

describe('the way of a caller', () => {
  /** Claims turns of a user, each by the way that the one before it taught. */
  async function teach(userId: string, limits: Partial<Limits>, ways = waysFor(limits)) {
    const defaults = { ...NO_LIMITS, ...limits };
    const { first, remember } = ways;
    const way = first(userId);
    const conversationId = newId();
    await short.run(
      `INSERT INTO conversations (id, user_id, mode, created_at, updated_at)
        VALUES ('${conversationId}', '${userId}', 'open', 1, 1)`,
    );
    const claim = claimOf({ turnId: newId(), conversationId, userId, most: null }, way, defaults);
    short.batches = 0;
    const result = await claimTurn(short.db, claim, { leaseMs: LEASE_MS, windowMessages: 20 });
    remember(claim, result);
    return { kind: result.kind, batches: short.batches, ways, next: first(userId) };
  }

  function waysFor(limits: Partial<Limits>) {
    const ways = new ClaimWays({ ...NO_LIMITS, ...limits });
    return {
      first: (userId: string) => ways.firstFor({ kind: 'anyone', userId }),
      remember: (...told: Parameters<ClaimWays['remember']>) => ways.remember(...told),
      beginDay: () => ways.beginDay(),
    };
  }

  const accepted = { kind: 'accepted', batches: 1 };

  it('skips no default: not one that its first turn did not meet', async () => {
    const taught = await teach('streaming', { streams: 1 });
    expect(taught).toMatchObject({ ...accepted, next: 'grant' });
    expect(await teach('streaming', { streams: 1 }, taught.ways)).toMatchObject(accepted);
    expect(await teach('filing', { stored_bytes: 1 })).toMatchObject({ next: 'unlimited' });
  });

  it('takes one batch a turn, whichever limits there are', async () => {
    for (const own of [{}, { tokens_per_day: null }, { streams: 5 }, { turns_at_once: 9 }]) {
      const userId = `own-${JSON.stringify(own).replaceAll('"', '')}`;
      await setLimits(short.db, userId, own);
      await keep(userId, {});
      await short.run(`INSERT INTO ledger (work_id, number, user_id, kind, model, input_tokens,
          output_tokens, cached_tokens, reasoning_tokens, is_estimated, created_at)
        VALUES ('${newId()}', 0, '${userId}', 'answer', 'm', 1, 1, 0, 0, 0, ${Date.now()})`);
      let { ways, batches } = await teach(userId, {});
      expect(batches).toBe(1);
      // What was learned first may be wrong once.
      await teach(userId, {}, ways);
      for (let turn = 0; turn < 3; turn++) ({ ways, batches } = await teach(userId, {}, ways));
      expect({ own, batches }).toEqual({ own, batches: 1 });
    }
  });

  it('is the long one until the sums are kept', async () => {
    const limits = { tokens_per_day: 10_000 };
    const { ways } = await teach('new', limits);
    expect(await teach('new', limits, ways)).toMatchObject({ ...accepted, next: 'reserve' });
    await keep('new', limits);
    expect(await teach('new', limits, ways)).toMatchObject({ ...accepted, next: 'grant' });
    expect(await teach('new', limits, ways)).toMatchObject(accepted);
  });

  it('takes one batch for the first turn of a day', async () => {
    const [userId, limits] = ['early', { tokens_per_day: 10_000 }];
    await keep(userId, limits);
    const { ways } = await teach(userId, limits);
    expect(await teach(userId, limits, ways)).toMatchObject({ ...accepted, next: 'grant' });
    await short.run(`UPDATE usage_sums SET day = day - ${DAY_MS} WHERE user_id = '${userId}'`);
    ways.beginDay();
    expect(await teach(userId, limits, ways)).toMatchObject({ ...accepted, next: 'reserve' });
  });

  it('is the long one while a limit is met', async () => {
    const limits = { requests_per_minute: 2 };
    await keep('hasty', limits);
    const { ways } = await teach('hasty', limits);
    expect(await teach('hasty', limits, ways)).toMatchObject(accepted);
    expect(await teach('hasty', limits, ways)).toMatchObject({ kind: 'limited', batches: 2 });
    expect(await teach('hasty', limits, ways)).toMatchObject({ kind: 'limited', batches: 1 });
  });
});
