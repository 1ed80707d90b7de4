/**
 * The part of a user's limits that a running turn has reserved. Each call of a model must fit; a
 * further step, or a longer prompt than was expected, reserves more before the model is called.
 */
import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import { refusalOf, type Budget } from '../../core/limits.ts';
import type { ParleyError } from '../../core/errors.ts';
import { estimateTokens } from '../../core/tokens.ts';
import type { Database } from '../../store/database.ts';
import type { UserBudgetAsk } from '../../store/limits/budget.ts';
import type { StandingAsk } from '../../store/limits/standing-at-end.ts';
import { extend } from '../../store/limits/reserve.ts';
import { UNITS_A_TOKEN, type ReserveAsk } from '../../store/limits/wanted.ts';
import type { Reserved } from '../../store/limits/reserved.ts';
import { estimatePrompt } from './count-usage.ts';

/** Tokens of input and output. */
export interface Spent {
  input: number;
  output: number;
}

export class TurnBudget {
  readonly #ask: ReserveAsk;
  #reserved: Spent;
  /** True when tokens or money are limited. */
  readonly isBounded: boolean;
  readonly #mayShift: boolean;
  readonly #before: Reserved;
  /** Tokens of the prompt of the last call. */
  #prompt: number | undefined;

  constructor(ask: ReserveAsk, reserved: Reserved) {
    this.#ask = ask;
    this.#before = reserved;
    this.#reserved = reserved.granted ?? { input: 0, output: 0 };
    this.isBounded = reserved.budget.some(isOfTokens);
    this.#mayShift = reserved.mayShift;
  }

  /** Returns what asks how the limits of a user stand. */
  askFor(userId: string): UserBudgetAsk {
    const { defaults, leaseMs, keyId } = this.#ask;
    return { defaults, leaseMs, keyId, userId };
  }

  /** Returns what tells how they stand when the turn has ended; undefined where there are none. */
  atEnd(userId: string, acceptedAt: number): StandingAsk | undefined {
    const before = this.#before;
    return before.budget.length === 0 ? undefined : { ...this.askFor(userId), before, acceptedAt };
  }

  /**
   * Returns the tokens of the last prompt and of the answer to it; undefined where nobody counts
   * them.
   * @param answerLength UTF-16 units of the answer's text
   */
  contextTokens(answerLength: number): number | undefined {
    return this.#prompt === undefined
      ? undefined
      : this.#prompt + Math.ceil(answerLength / UNITS_A_TOKEN);
  }

  /**
   * Makes sure that a call fits.
   * @param spent what the calls before it have used
   * @param answer the most that the model answers when the request does not say
   * @returns the options with a limit on the answer; or why the call may not be made
   */
  async admit(
    db: Database,
    options: LanguageModelV4CallOptions,
    { spent, answer }: { spent: () => Spent; answer: number },
  ): Promise<LanguageModelV4CallOptions | ParleyError> {
    const { granted, budget, need } = this.#before;
    // A turn that answers what steered one begins although it does not fit, and fails here.
    const unfit = granted ? undefined : refusalOf(budget, need);
    if (unfit) return unfit;
    if (!this.isBounded) return options;
    const used = spent();
    const most = options.maxOutputTokens ?? answer;
    const least = Math.min(most, this.#ask.least);
    const prompt = promptOf(options);
    const more = Math.max(0, prompt - (this.#reserved.input - used.input));
    const left = Math.max(0, this.#reserved.output - used.output);
    if (this.#mayShift && left - more >= least) {
      // What the prompt is longer than expected, the answer is shorter.
      const { input, output } = this.#reserved;
      this.#reserved = { input: input + more, output: output - more };
    } else if (more > 0 || left < least) {
      const wanted = {
        prompt: more,
        most: Math.max(0, most - left),
        least: Math.max(0, least - left),
      };
      const refused = await this.#extend(db, wanted);
      if (refused) return refused;
    }
    this.#prompt = prompt;
    const maxOutputTokens = Math.min(most, Math.max(1, this.#reserved.output - used.output));
    return { ...options, maxOutputTokens };
  }

  async #extend(
    db: Database,
    need: Pick<ReserveAsk, 'prompt' | 'least'> & { most: number },
  ): Promise<ParleyError | undefined> {
    const { input, output } = this.#reserved;
    const had = input + output;
    const result = await extend(db, { ...this.#ask, ...need, had });
    const granted = result?.granted;
    // What a prompt has taken from an answer is not stored: only the sum is.
    const more = granted && granted.input + granted.output - had - need.prompt;
    if (more !== undefined) this.#reserved = { input: input + need.prompt, output: output + more };
    // A turn that is gone is stopped by the next heartbeat.
    else if (result) return refusalOf(ownAsUsed(result.budget, had), result.need);
    return undefined;
  }
}

/** Counts what the turn itself has reserved as used: it will be, and waiting does not help. */
function ownAsUsed(budget: Budget, tokens: number): Budget {
  return budget.filter(isOfTokens).map((state) => {
    const own = state.name === 'cost_per_month' ? state.reserved : Math.min(tokens, state.reserved);
    return { ...state, used: state.used + own, reserved: state.reserved - own };
  });
}

function isOfTokens({ name }: Budget[number]): boolean {
  return name === 'tokens_per_day' || name === 'tokens_per_month' || name === 'cost_per_month';
}

function promptOf({ prompt, tools }: LanguageModelV4CallOptions): number {
  return estimatePrompt(prompt) + (tools ? tokensOf(tools) : 0);
}

/** The tokens of lists of tools: a server offers the same one with most turns. */
const tokensOfTools = new WeakMap<object, number>();

function tokensOf(tools: object): number {
  const known = tokensOfTools.get(tools);
  if (known !== undefined) return known;
  const tokens = estimateTokens(JSON.stringify(tools));
  tokensOfTools.set(tools, tokens);
  return tokens;
}
