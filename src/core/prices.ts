/** Prices of models: a table of dated entries, and what tokens cost by it. */
import type { TokenCounts } from './ledger.ts';

/** The price of a model from a day on, in US dollars for a million tokens. */
export interface Price {
  /** `provider/model`, or `provider/*` for all that have no entry of their own. */
  model: string;
  /** The first day of the price, in UTC. */
  from: string;
  input: number;
  /** For input tokens that the service read from its cache; the price of input when left out. */
  cached_input?: number | undefined;
  output: number;
}

/** Billionths of a dollar for one token, by the kind of token. */
export interface TokenPrice {
  input: number;
  cachedInput: number;
  output: number;
}

export interface PriceTable {
  /**
   * Returns what a token of a model costs.
   * @param at milliseconds since the epoch
   * @returns undefined when the table has no price of this model for that time
   */
  priceOf(model: string, at: number): TokenPrice | undefined;
  /** The names of all entries. */
  readonly models: readonly string[];
}

/** Dollars for a million tokens are so many billionths of a dollar for one. */
const NANODOLLARS_PER_TOKEN = 1_000;

/** Makes a table of its entries, in any order. */
export function createPriceTable(entries: readonly Price[]): PriceTable {
  const byModel = new Map<string, { from: number; price: TokenPrice }[]>();
  for (const { model, from, input, cached_input: cached = input, output } of entries) {
    const price = {
      input: input * NANODOLLARS_PER_TOKEN,
      cachedInput: cached * NANODOLLARS_PER_TOKEN,
      output: output * NANODOLLARS_PER_TOKEN,
    };
    const dated = byModel.get(model) ?? [];
    byModel.set(model, dated);
    dated.push({ from: Date.parse(from), price });
    dated.sort((a, b) => b.from - a.from);
  }
  const find = (name: string, at: number) =>
    byModel.get(name)?.find(({ from }) => from <= at)?.price;
  return {
    models: [...byModel.keys()],
    priceOf: (model, at) => find(model, at) ?? find(`${model.slice(0, model.indexOf('/'))}/*`, at),
  };
}

/** Returns the cost of tokens in billionths of a US dollar, rounded to a whole one. */
export function costOf(
  price: TokenPrice,
  {
    inputTokens,
    cachedTokens,
    outputTokens,
  }: Pick<TokenCounts, 'inputTokens' | 'cachedTokens' | 'outputTokens'>,
): number {
  const fresh = Math.max(0, inputTokens - cachedTokens);
  return Math.round(
    fresh * price.input + cachedTokens * price.cachedInput + outputTokens * price.output,
  );
}
