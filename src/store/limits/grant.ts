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
import { NONE } from './limits.ts';
import { RESERVED, RUNNING } from './running.ts';
import { DAY, MINUTE, requestsCounted } from './usage-sums.ts';
import { allowanceIn, instructionTokens, lastOf, type ReserveAsk } from './wanted.ts';

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
    ...LIMITS_OF_TURNS.map((name) => defaults[name] ?? NONE),
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

const REQUESTS = requestsCounted({ user: 'o.user_id', key: `''`, now: NOW });

const MODEL = `coalesce(${P.asked}, o.model, ${P.model})`;
/** The allowance of the conversation's model, where that is not the likely one. */
const OTHER = `CASE WHEN ${MODEL} <> ${P.model} THEN ${allowanceIn(P.models, MODEL)} END`;

/**
 * The tokens of the stored part of the prompt, as the turn before has noted them: that is a row or
 * two instead of twenty. It is too much where its tools and passages do not come again, and null
 * where nobody noted it, so whoever does not fit by it is judged by `reserve.ts`, from the texts.
 */
const NOTED = `CASE WHEN m.parent_id IS NULL AND m.role IS NOT 'assistant'
    THEN ${instructionTokens('o')} + coalesce(m.output_tokens, 0)
    ELSE coalesce(m.context_tokens, m.output_tokens + (SELECT p.context_tokens FROM messages p WHERE p.id = m.parent_id)) END`;

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

/**
 * Selects the conversation with the limits of its user, what of them is used, and what the turn
 * wants; a row of nulls where the caller has no such conversation. The running turns of the user
 * are the only rows that are several. Of another user's conversation no more is read than of an
 * unknown one, so that both take as long.
 */
const READ = `SELECT ${[
  ...OF_CONVERSATION.map((name) => `o.${name}`),
  ...LIMITS_OF_TURNS.map((name) => `coalesce(u.${name}, ${P[name]}) AS ${name}`),
  `${OTHER} AS other`,
  `${P.prompt} + ${NOTED} AS prompt`,
  `${NOW} AS now`,
].join(', ')}, (${REQUESTS}) AS requests, count(r.id) AS running, min(r.heartbeat_at) AS oldest,
      ${RESERVED.tokens} AS tokens, ${RESERVED.cost} AS cost,
      s.day, s.requests_since, s.day_tokens, s.month_tokens, s.month_cost
    FROM conversations o
      LEFT JOIN messages m ON m.id = ${lastOf('o', P)}
      LEFT JOIN user_limits u ON u.user_id = o.user_id
      LEFT JOIN usage_sums s ON s.user_id = o.user_id AND s.key_id = ''
      LEFT JOIN turns r ON r.user_id = o.user_id AND r.${RUNNING}
    WHERE o.id = ${P.conversation} AND ${isOwned('o.user_id', P.owner)} LIMIT 1`;

const ofModel = (likely: string, place: number) =>
  `CASE WHEN a.other IS NULL THEN ${likely} ELSE a.other ->> ${place} END`;
const ANSWER = `CASE WHEN a.other IS NULL THEN ${P.answer} ELSE min(coalesce(${P.most}, a.other ->> 0), a.other ->> 1) END`;

/**
 * A WITH clause, whose `c` is that row with the allowance of the model. Its parameters have
 * numbers, so they come before those of the statement. Without the two LIMITs SQLite would work out
 * the expressions again wherever a column is named.
 */
export const FITTING = `WITH a AS (${READ}), c AS (SELECT a.*, ${ANSWER} AS answer,
      ${ofModel(P.inputPrice, 2)} AS input_price, ${ofModel(P.outputPrice, 3)} AS output_price FROM a LIMIT 1)`;

const isSet = (limit: LimitName) => `c.${limit} > ${NONE}`;
const IS_SUMMED = (
  ['requests_per_minute', 'tokens_per_day', 'tokens_per_month', 'cost_per_month'] as const
)
  .map(isSet)
  .join(' OR ');
/** True where the sums are those of today and lack no request that counts. */
const ARE_SUMS_KEPT = `(c.day = c.now - c.now % ${DAY} AND (c.requests_per_minute = ${NONE} OR c.requests_since < c.now - ${MINUTE}))`;

const leaves = (limit: LimitName, used: string, wanted: string) =>
  `(c.${limit} = ${NONE} OR c.${limit} - ${used} >= ${wanted})`;

/**
 * The condition that all of it fits. What a turn may still use whose process has died is left to
 * the long way.
 */
export const FITS = `c.id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM key_limits k WHERE k.key_id = ${P.key})
    AND coalesce(c.oldest > c.now - ${P.leaseMs}, 1)
    AND (NOT (${IS_SUMMED}) OR ${ARE_SUMS_KEPT})
    AND ${leaves('requests_per_minute', 'c.requests', '1')}
    AND ${leaves('turns_at_once', 'c.running', '1')}
    AND ${leaves('streams', `coalesce(${P.openStreams}, 0)`, `(${P.openStreams} IS NOT NULL)`)}
    AND ${leaves('tokens_per_day', 'c.day_tokens - c.tokens', 'c.prompt + c.answer')}
    AND ${leaves('tokens_per_month', 'c.month_tokens - c.tokens', 'c.prompt + c.answer')}
    AND ${leaves('cost_per_month', 'c.month_cost - c.cost', 'c.prompt * c.input_price + c.answer * c.output_price')}`;

/** The tokens of the prompt, of which only what is new is known where nobody limits tokens. */
const PROMPT = `coalesce(c.prompt, ${P.prompt})`;

/** The list that `granted.ts` reads of a turn that was granted what it wants. */
const TOLD = [
  ...LIMITS_OF_TURNS.map((name) => `c.${name}`),
  PROMPT,
  'c.answer',
  'c.input_price',
  'c.output_price',
  'c.now',
  `${ARE_SUMS_KEPT} IS TRUE`,
  'c.requests',
  'c.running',
  'c.day_tokens',
  'c.month_tokens',
  'c.month_cost',
  'c.tokens',
  'c.cost',
];

/** The columns of a turn that say what it was granted. */
export const GRANTED = {
  key_id: P.key,
  reserved_input: PROMPT,
  reserved_output: 'c.answer',
  input_price: `coalesce(c.input_price, 0)`,
  output_price: `coalesce(c.output_price, 0)`,
  budget: `json_array(${TOLD.join(', ')})`,
} as const;
