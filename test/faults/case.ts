/**
 * What a case is made of: rounds, each of which is counted, and every promise broken in one is kept
 * with its round's name.
 */
import type { Runtime } from '../support/server.ts';
import { createRandom, type Random } from './random.ts';
import { Worlds, type World, type WorldOptions } from './world.ts';

export interface FaultCase {
  name: string;
  /** What is done to the product, in one line. */
  what: string;
  runtimes: readonly Runtime[];
  /** Makes sense against any deployment: needs nothing but its HTTP. */
  remote?: true;
  /** Too long for the quick part. */
  fullOnly?: true;
  run(rounds: Rounds): Promise<void>;
}

export interface Result {
  name: string;
  runtime: Runtime | 'remote';
  rounds: number;
  violations: string[];
  seconds: number;
}

export interface CaseOptions {
  runtime: Runtime;
  quick: boolean;
  seed: number;
  /** A deployment to test instead of servers of our own. */
  url?: string;
  /** Servers that other cases use too; whoever gives them closes them. */
  worlds?: Worlds;
  /** Told of each violation as it is found. */
  onViolation?: (what: string) => void;
}

/** What a case is given to run with. */
export class Rounds {
  readonly runtime: Runtime;
  readonly quick: boolean;
  readonly random: Random;
  readonly violations: string[] = [];
  count = 0;
  readonly #onViolation: CaseOptions['onViolation'];
  readonly #worlds: Worlds;
  readonly #ownsWorlds: boolean;

  constructor({ runtime, quick, seed, url, worlds, onViolation }: CaseOptions) {
    this.#onViolation = onViolation;
    this.runtime = runtime;
    this.quick = quick;
    this.random = createRandom(seed);
    this.#ownsWorlds = worlds === undefined;
    this.#worlds = worlds ?? new Worlds(runtime, url);
  }

  /** One round: what it throws is a violation. */
  async round(name: string, body: () => Promise<void>): Promise<void> {
    this.count += 1;
    try {
      await body();
    } catch (error) {
      const isViolation = error instanceof Error && error.name === 'Violation';
      const text = error instanceof Error ? error.message : String(error);
      const where =
        error instanceof Error ? (error.stack?.match(/cases\/[\w-]+\.ts:\d+/u)?.[0] ?? '') : '';
      this.found(`${name}: ${isViolation ? '' : 'unexpected '}${text} (${where})`);
    }
  }

  found(what: string): void {
    this.violations.push(what);
    this.#onViolation?.(what);
  }

  /** Rounds that may run at once, so many at a time. */
  async together(names: string[], atOnce: number, body: (name: string) => Promise<void>) {
    const waiting = [...names];
    const work = async () => {
      for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
        const mine = name;
        await this.round(mine, () => body(mine));
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
  }

  /** Servers for this case; the same options give the same ones. They are closed when it ends. */
  world(options: WorldOptions = {}): Promise<World> {
    return this.#worlds.get(options);
  }

  async close(): Promise<void> {
    if (this.#ownsWorlds) await this.#worlds.close();
  }
}

/** Runs one case on one runtime; never throws for what the product does. */
export async function runCase(faultCase: FaultCase, options: CaseOptions): Promise<Result> {
  const began = performance.now();
  // Cases that share servers must not choose the same names.
  const rounds = new Rounds({ ...options, seed: options.seed + sumOf(faultCase.name) });
  try {
    await faultCase.run(rounds);
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    rounds.found(`the case itself broke off: ${text}`);
  }
  await rounds.close().catch((error: unknown) => {
    rounds.found(`closing: ${String(error)}`);
  });
  return {
    name: faultCase.name,
    runtime: options.url === undefined ? options.runtime : 'remote',
    rounds: rounds.count,
    violations: rounds.violations,
    seconds: (performance.now() - began) / 1000,
  };
}

function sumOf(text: string): number {
  let sum = 7;
  for (const byte of Buffer.from(text)) sum = (sum * 31 + byte) % 1_000_003;
  return sum;
}
