/**
 * Tells, as SQL, what a turn wants: its prompt by an estimate, and the allowance of its model.
 */
import { sentTokens } from '../turns/sent-tokens.ts';
import { NEXT_PARAMETER, type LimitsAsk } from './limits.ts';

/**
 * The allowance of a model's answer, and the cost of a token of it: the tokens of an answer when
 * the request names no limit, the most that it may name, and billionths of a dollar for a token of
 * input and output, null where no price is known.
 */
export type ModelAllowance = readonly [
  answer: number,
  most: number,
  input: number | null,
  output: number | null,
];

/**
 * A way to insert a turn with what it may use, the cheapest first: for callers without any limits,
 * for turns that get all that they want, and for all.
 */
export const WAYS = ['unlimited', 'grant', 'reserve'] as const;
export type Way = (typeof WAYS)[number];

export interface ReserveAsk extends LimitsAsk {
  turnId: string;
  /** The way that is likely to do; those after it are tried where it does not. */
  firstWay: Way;
  /** Tokens of what is new in the prompt. */
  prompt: number;
  /** The message that ends the stored part of the prompt; null for none. */
  from: string | null;
  /** True when that is the last message of the active path. */
  atHead: boolean;
  /** The most tokens that the request lets the model answer; null when it does not say. */
  most: number | null;
  /** An answer of fewer tokens is not worth a turn. */
  least: number;
  /** The model that the turn will most probably have, and its allowance. */
  model: string;
  allowance: ModelAllowance;
  /**
   * The allowances of others, a JSON object: by the model's name or alias, or `provider/*`; `*` is
   * any other.
   */
  models: string;
}

/**
 * UTF-16 units that are taken for a token: fewer than there are, so that a text is rather estimated
 * too long.
 */
export const UNITS_A_TOKEN = 3;

const at = (place: number) => `?${NEXT_PARAMETER + place}`;

/** The parameters of {@link wantedArgs}, by their numbers, which follow those of the limits. */
export const WANTED = {
  prompt: at(0),
  from: at(1),
  atHead: at(2),
  most: at(3),
  least: at(4),
  model: at(5),
  allowance: at(6),
  models: at(7),
} as const;
/** The number of the first parameter after those of {@link wantedArgs}. */
export const NEXT_WANTED = NEXT_PARAMETER + Object.keys(WANTED).length;

/** Returns the arguments of what a turn wants. */
export function wantedArgs(ask: ReserveAsk): (string | number | null)[] {
  const { prompt, from, atHead, most, least, model, allowance, models } = ask;
  return [prompt, from, atHead ? 1 : 0, most, least, model, JSON.stringify(allowance), models];
}

/** Returns the allowance, a JSON list, of the model that an expression names. */
export function allowanceOf(model: string): string {
  return `CASE ${model} WHEN ${WANTED.model} THEN ${WANTED.allowance} ELSE ${allowanceIn(WANTED.models, model)} END`;
}

/**
 * Returns the allowance, a JSON list, of a model that may be any.
 * @param models those of `ReserveAsk`
 * @param model the expression of its name
 */
export function allowanceIn(models: string, model: string): string {
  // Operators, since `json_each` for each use of it took most of the statement's preparation. After
  // a quotation mark they fail where what is before it is a name.
  const name = `replace(${model}, '"', char(1))`;
  return `coalesce(${models} -> ${name}, ${models} -> (substr(${model}, 1, instr(${model}, '/')) || '*'), ${models} -> '*')`;
}

/** Returns the expression of the id of the message that ends the stored part of a prompt. */
export const lastOf = (c: string, { from, atHead }: PromptPlace) =>
  `coalesce(${from}, CASE WHEN ${atHead} THEN ${c}.head_message_id END)`;

/** Parameters that say where a prompt is, as `ReserveAsk` describes them. */
type PromptPlace = Readonly<Record<'from' | 'atHead', string>>;

/**
 * Returns the expression of the tokens that the stored part of a prompt has by an estimate: of
 * instructions and messages.
 * @param c names the row of the conversation
 */
export function storedTokens(c: string, place: PromptPlace): string {
  const messages = sentTokens(lastOf(c, place), UNITS_A_TOKEN);
  return `${instructionTokens(c)} + (${messages})`;
}

/** Returns the expression of the tokens of a conversation's instructions. @param c names its row */
export function instructionTokens(c: string): string {
  return `length(coalesce(${c}.instructions, '')) / ${UNITS_A_TOKEN}`;
}
