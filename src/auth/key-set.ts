/**
 * The public keys of an issuer (JWKS, RFC 7517), kept for the life of the process or isolate: all
 * requests share one look, old keys are used on while the issuer is away, and an unknown key id
 * makes one look at most in half a minute.
 */
import type { FlattenedJWSInput, JSONWebKeySet, JWSHeaderParameters } from 'jose';
import { ParleyError } from '../core/errors.ts';
import type { JoseLibrary } from './token.ts';

/** Fetches the keys at an address. @throws when that cannot be done */
export type FetchKeys = (url: string) => Promise<JSONWebKeySet>;

/** Milliseconds for which keys are used without another look. */
const FRESH_FOR_MS = 10 * 60_000;
/** Milliseconds between two looks for a key id that is unknown: tokens can be made up. */
const COOL_DOWN_MS = 30_000;
/**
 * Milliseconds between two looks while the issuer is away: with keys to go on with, and without.
 */
const FAILED_COOL_DOWN_MS = 15_000;
const FIRST_COOL_DOWN_MS = 2_000;
/**
 * Milliseconds for which a request waits for the look of another one. A look that takes longer was
 * lost with the request that began it, as happens on Workers.
 */
const LOOK_WAIT_MS = 6_000;

type Find = ReturnType<JoseLibrary['createLocalJWKSet']>;

export class KeySet {
  readonly #fetch: () => Promise<JSONWebKeySet>;
  readonly #now: () => number;
  #find: Find | undefined;
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #failedAt = Number.NEGATIVE_INFINITY;
  #look: { done: Promise<void>; begunAt: number } | undefined;

  constructor(fetch: () => Promise<JSONWebKeySet>, now: () => number = Date.now) {
    this.#fetch = fetch;
    this.#now = now;
  }

  /** The keys, another object after each look; undefined while a look is due. */
  get current(): object | undefined {
    return this.#isFresh() ? this.#find : undefined;
  }

  #isFresh(): boolean {
    return this.#now() - this.#fetchedAt < FRESH_FOR_MS;
  }

  /**
   * Returns the key that a token names.
   * @throws ParleyError `identity_unavailable` when there are no keys to look in
   * @throws an error of the library when no key fits
   */
  async find(
    jose: JoseLibrary,
    header: JWSHeaderParameters,
    token: FlattenedJWSInput,
  ): Promise<Awaited<ReturnType<Find>>> {
    if (!this.#isFresh()) await this.#lookAgain(jose, 0);
    try {
      return await this.#keys()(header, token);
    } catch (error) {
      const isUnknown = error instanceof jose.errors.JWKSNoMatchingKey;
      if (!isUnknown || !(await this.#lookAgain(jose, COOL_DOWN_MS))) throw error;
      return this.#keys()(header, token);
    }
  }

  #keys(): Find {
    if (this.#find) return this.#find;
    throw new ParleyError({
      code: 'identity_unavailable',
      detail: 'The keys that sign tokens cannot be read now',
      retryAfter: Math.ceil(FIRST_COOL_DOWN_MS / 1000),
    });
  }

  /** Looks for new keys, unless that was done just now. @returns false when it was */
  async #lookAgain(jose: JoseLibrary, coolDownMs: number): Promise<boolean> {
    const now = this.#now();
    if (this.#look && now - this.#look.begunAt < LOOK_WAIT_MS) {
      await Promise.race([this.#look.done, waited(LOOK_WAIT_MS)]);
      return true;
    }
    const failedCoolDownMs = this.#find ? FAILED_COOL_DOWN_MS : FIRST_COOL_DOWN_MS;
    if (now - this.#fetchedAt < coolDownMs || now - this.#failedAt < failedCoolDownMs) return false;
    const look = { done: this.#adopt(jose), begunAt: now };
    this.#look = look;
    await look.done;
    if (this.#look === look) this.#look = undefined;
    return true;
  }

  async #adopt(jose: JoseLibrary): Promise<void> {
    try {
      this.#find = jose.createLocalJWKSet(await this.#fetch());
      this.#fetchedAt = this.#now();
    } catch {
      // The keys that there are go on to be used.
      this.#failedAt = this.#now();
    }
  }
}

function waited(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** Milliseconds for an answer of the issuer. */
const FETCH_LIMIT_MS = 5_000;
/** The largest set of keys, in characters. */
const LARGEST_SET = 512 * 1024;

/**
 * Fetches a set of keys over HTTP.
 * @throws when the answer is no set of keys
 */
export async function fetchKeySet(url: string): Promise<JSONWebKeySet> {
  const response = await fetch(url, {
    headers: { accept: 'application/jwk-set+json, application/json' },
    signal: AbortSignal.timeout(FETCH_LIMIT_MS),
  });
  if (!response.ok) throw new Error(`the issuer answered ${response.status}`);
  const text = await response.text();
  if (text.length > LARGEST_SET) throw new Error('the set of keys is too large');
  // The library checks its shape.
  return JSON.parse(text) as JSONWebKeySet;
}
