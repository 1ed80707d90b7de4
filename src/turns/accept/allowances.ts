/** The reservations of turns: how much their models may answer, and what that costs. */
import type { Limits } from '../../core/limits.ts';
import type { PriceTable } from '../../core/prices.ts';
import { ALIASES, OFFLINE_MODEL, SLOW_OFFLINE_MODEL, windowOf } from '../../models/chat/catalog.ts';
import type { Registry } from '../../models/chat/registry.ts';
import type { ModelAllowance, ReserveAsk } from '../../store/limits/wanted.ts';
import type { TurnClaim } from '../../store/turns/claim.ts';
import { ClaimWays } from './claim-ways.ts';

/** Tokens of a prompt besides its texts: the marks between messages, and what tools are. */
const BESIDES_TEXTS = 300;
/** The shortest answer that is worth a turn, in tokens; a shorter one that is asked for will do. */
export const LEAST_ANSWER = 256;

const KNOWN = [
  ...Object.keys(ALIASES),
  ...Object.values(ALIASES).flat(),
  ...['offline', OFFLINE_MODEL, SLOW_OFFLINE_MODEL],
];

const DAY_MS = 24 * 60 * 60_000;

export class Allowances {
  readonly #registry: Registry;
  readonly #prices: PriceTable;
  readonly #defaults: Limits;
  readonly #leaseMs: number;
  /** Prices change with the day. */
  #day = -1;
  #models: ReadonlyMap<string, ModelAllowance> = new Map();
  #asJson = '{}';
  /** The ways that served callers last. */
  readonly ways: ClaimWays;

  /** @param defaults the limits of users who have none of their own */
  constructor({
    registry,
    prices,
    defaults,
    leaseMs,
  }: {
    registry: Registry;
    prices: PriceTable;
    defaults: Limits;
    leaseMs: number;
  }) {
    this.#registry = registry;
    this.#prices = prices;
    this.#defaults = defaults;
    this.ways = new ClaimWays(defaults);
    this.#leaseMs = leaseMs;
  }

  /** Returns what is to be reserved for a claim. */
  of(
    claim: Omit<TurnClaim, 'reservation'>,
    { keyId, streams }: Pick<ReserveAsk, 'keyId' | 'streams'>,
  ): ReserveAsk {
    const { turnId, input, parameters } = claim;
    const isMessage = input.kind === 'message';
    const model = claim.model ?? claim.defaultModel;
    this.#update();
    return {
      defaults: this.#defaults,
      leaseMs: this.#leaseMs,
      keyId,
      streams,
      turnId,
      firstWay: this.ways.firstFor(claim.principal),
      prompt: BESIDES_TEXTS + (isMessage ? input.tokens : 0),
      from: isMessage ? (input.parentId ?? null) : input.promptId,
      atHead: isMessage && input.parentId === undefined,
      most: parameters?.max_output_tokens ?? null,
      least: LEAST_ANSWER,
      model,
      allowance: this.#allowanceOf(model),
      models: this.#asJson,
    };
  }

  #allowanceOf(model: string): ModelAllowance {
    const known = this.#models.get(model);
    if (known) return known;
    const ofProvider = `${model.slice(0, model.indexOf('/') + 1)}*`;
    return this.#models.get(ofProvider) ?? this.#models.get('*') ?? this.#of(model);
  }

  #update(): void {
    const day = Math.floor(Date.now() / DAY_MS);
    if (day === this.#day) return;
    this.#day = day;
    this.ways.beginDay();
    const names = [...this.#prices.models, ...KNOWN, '*'];
    this.#models = new Map(names.map((name) => [name, this.#of(name)]));
    this.#asJson = JSON.stringify(Object.fromEntries(this.#models));
  }

  /** Of an alias, the most that any of its models may answer and cost. */
  #of(name: string): ModelAllowance {
    const names = name.includes('/') || name === '*' ? [name] : this.#chain(name);
    const windows = names.map((each) => windowOf(each));
    const prices = names.map((each) => this.#prices.priceOf(each, Date.now()));
    const highest = (kind: 'input' | 'output') =>
      prices.reduce<number | null>(
        (most, price) => (most === null || !price ? null : Math.max(most, price[kind])),
        0,
      );
    const answer = Math.max(...windows.map((window) => window.answer));
    const half = Math.max(...windows.map((window) => Math.floor(window.context / 2)));
    return [answer, Math.max(answer, half), highest('input'), highest('output')];
  }

  #chain(alias: string): string[] {
    return this.#registry.resolve(alias).map((model) => model.name);
  }
}
