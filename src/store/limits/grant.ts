/**
 * Grants a turn all that it wants, in the statement that inserts it, where all limits leave that.
 * It is the short way for nearly every turn, so it reads only what such a turn needs: the sums that
 * are kept of a user whose key has no limits. A turn that gets nothing here asks again by
 * `reserve.ts`, which can also grant a part, sums up the ledger, knows the limits of keys, and
 * tells what is missing.
 */
import { LIMITS_OF_TURNS, type LimitName } from '../../core/limits.ts';
import type { Principal } from '../../core/principal.ts';
import { NOW } from '../database.ts';
import { isOwned, ownerOf } from '../ownership.ts';
import { userLimit } from './limits.ts';
import { reservedBy } from './running.ts';
import { DAY, MINUTE, requestsCounted } from './usage-sums.ts';
import { allowanceIn, lastOf, storedTokens, type ReserveAsk } from './wanted.ts';

/** The parameters of {@link FITTING}, by their numbers. */
const PARAMETERS = [
  'conversation',
  // The user whose conversation it must be; null where the caller names nobody.
  'owner',
  'key',
  'leaseMs',
  'openStreams',
  ...LIMITS_OF_TURNS,
  'prompt',
  'from',
  'atHead',
  // The model that the request names, and the one that the turn will most probably have.
  'asked',
  'model',
  // Of that model.
  'answer',
  'inputPrice',
  'outputPrice',
  // Of others.
  'most',
  'models',
] as const;
const P = Object.fromEntries(PARAMETERS.map((name, at) => [name, `?${at + 1}`])) as Readonly<
  Record<(typeof PARAMETERS)[number], string>
>;

/** The conversation, the caller and the models of a claim. */
interface GrantAsk {
  conversationId: string;
  principal: Principal;
  model: string | null;
}

/** Returns the arguments of {@link FITTING}. */
export function grantArgs(
  { conversationId, principal, model }: GrantAsk,
  ask: ReserveAsk,
): (string | number | null)[] {
  const { defaults, allowance, most } = ask;
  const [answer, mostOfModel, inputPrice, outputPrice] = allowance;
  return [
    conversationId,
    ownerOf(principal),
    ask.keyId,
    ask.leaseMs,
    ask.streams?.user ?? null,
    ...LIMITS_OF_TURNS.map((name) => defaults[name]),
    ask.prompt,
    ask.from,
    ask.atHead ? 1 : 0,
    model,
    ask.model,
    Math.min(most ?? answer, mostOfModel),
    inputPrice,
    outputPrice,
    most,
    // A turn has the model that its request names.
    model === null ? ask.models : null,
  ];
}

const USER = `coalesce(${P.owner}, (SELECT o.user_id FROM conversations o WHERE o.id = ${P.conversation}))`;
const RUNNING = reservedBy(USER, { now: NOW, leaseMs: P.leaseMs });
const REQUESTS = requestsCounted({ user: USER, key: `''`, now: NOW });

const MODEL = `coalesce(${P.asked}, o.model, ${P.model})`;
/** The conversation; `other` is the allowance of its model, where that is not the likely one. */
const CONVERSATION = `SELECT o.*, CASE WHEN ${MODEL} <> ${P.model} THEN ${allowanceIn(P.models, MODEL)} END AS other
  FROM conversations o WHERE o.id = ${P.conversation} AND ${isOwned('o.user_id', P.owner)}`;

const ofModel = (likely: string, other: string) =>
  `CASE WHEN c.other IS NULL THEN ${likely} ELSE ${other} END`;

/**
 * The tokens of the stored part of the prompt, as the turn before has noted them: that is one row
 * instead of twenty. It is too much where its tools and passages do not come again, so whoever does
 * not fit by it is judged by `reserve.ts`, from the texts alone.
 */
const NOTED = `SELECT m.context_tokens FROM messages m WHERE m.id = ${lastOf('c', P)}`;

/** The parts of what a turn wants in a conversation `c`. */
const WISH = {
  prompt: `${P.prompt} + coalesce((${NOTED}), ${storedTokens('c', P)})`,
  answer: ofModel(P.answer, `min(coalesce(${P.most}, c.other ->> 0), c.other ->> 1)`),
  input_price: ofModel(P.inputPrice, 'c.other ->> 2'),
  output_price: ofModel(P.outputPrice, 'c.other ->> 3'),
};

/** Columns of the conversation, for the row of the turn and the conditions on a claim. */
const OF_CONVERSATION = [
  'id',
  'user_id',
  'is_temporary',
  'model',
  'head_message_id',
  'message_count',
  'last_sequence_number',
];

const columns = (expressions: Readonly<Record<string, string>>) =>
  Object.entries(expressions).map(([name, value]) => `${value} AS ${name}`);

/**
 * A WITH clause, whose `c` is the conversation, with the limits of its user, what of them is used,
 * and what the turn wants. Its parameters have numbers, so they come before those of the statement.
 * Of another user's conversation no more is read than of an unknown one, so that both take as long.
 */
export const FITTING = `WITH o AS MATERIALIZED (${CONVERSATION}), c AS MATERIALIZED (SELECT ${[
  ...OF_CONVERSATION.map((name) => `c.${name}`),
  ...LIMITS_OF_TURNS.map((name) => `${userLimit(name, P[name])} AS ${name}`),
  ...columns(WISH),
].join(', ')}, ${NOW} AS now, (${REQUESTS}) AS requests, r.*,
      s.day, s.requests_since, s.day_tokens, s.month_tokens, s.month_cost
    FROM o AS c JOIN (${RUNNING}) r
      LEFT JOIN user_limits u ON u.user_id = c.user_id
      LEFT JOIN usage_sums s ON s.user_id = c.user_id AND s.key_id = ''
    WHERE NOT EXISTS (SELECT 1 FROM key_limits k WHERE k.key_id = ${P.key}))`;

const isSet = (names: readonly LimitName[]) =>
  `coalesce(${names.map((name) => `c.${name}`).join(', ')}) IS NOT NULL`;
const IS_LIMITED = isSet(LIMITS_OF_TURNS);
const IS_SUMMED = isSet(
  LIMITS_OF_TURNS.filter((name) => name !== 'turns_at_once' && name !== 'streams'),
);
/** True where the sums are those of today and lack no request that counts. */
const ARE_SUMS_KEPT = `(c.day = c.now - c.now % ${DAY} AND (c.requests_per_minute IS NULL OR c.requests_since < c.now - ${MINUTE}))`;

const leaves = (limit: LimitName, used: string, wanted: string) =>
  `(c.${limit} IS NULL OR c.${limit} - ${used} >= ${wanted})`;

/** The condition that all of it fits. */
export const FITS = `(NOT ${IS_LIMITED} OR (NOT ${IS_SUMMED} OR ${ARE_SUMS_KEPT})
    AND ${leaves('requests_per_minute', 'c.requests', '1')}
    AND ${leaves('turns_at_once', 'c.alive', '1')}
    AND ${leaves('streams', `coalesce(${P.openStreams}, 0)`, `(${P.openStreams} IS NOT NULL)`)}
    AND ${leaves('tokens_per_day', 'c.day_tokens - c.tokens', 'c.prompt + c.answer')}
    AND ${leaves('tokens_per_month', 'c.month_tokens - c.tokens', 'c.prompt + c.answer')}
    AND ${leaves('cost_per_month', 'c.month_cost - c.cost', 'c.prompt * c.input_price + c.answer * c.output_price')})`;

/** The list that `granted.ts` reads of a turn that was granted what it wants. */
const TOLD = [
  ...LIMITS_OF_TURNS.map((name) => `c.${name}`),
  'c.prompt',
  'c.answer',
  'c.input_price',
  'c.output_price',
  'c.now',
  `${ARE_SUMS_KEPT} IS TRUE`,
  'c.requests',
  'c.alive',
  'c.day_tokens',
  'c.month_tokens',
  'c.month_cost',
  'c.tokens',
  'c.cost',
];

/** The columns of a turn that say what it was granted: nothing for a user without limits. */
export const GRANTED = {
  key_id: P.key,
  reserved_input: `CASE WHEN ${IS_LIMITED} THEN c.prompt END`,
  reserved_output: `CASE WHEN ${IS_LIMITED} THEN c.answer END`,
  input_price: 'coalesce(c.input_price, 0)',
  output_price: 'coalesce(c.output_price, 0)',
  budget: `CASE WHEN ${IS_LIMITED} THEN json_array(${TOLD.join(', ')}) END`,
} as const;
