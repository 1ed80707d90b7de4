/** What a case is made of: rounds, each of which is counted, and every promise broken in one is kept with its round's name. */
import type { Runtime } from '../support/server.ts';
import { createRandom, type Random } from './random.ts';
import { startWorld, type World, type WorldOptions } from './world.ts';

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
  readonly #url: string | undefined;
  readonly #onViolation: CaseOptions['onViolation'];
  readonly #worlds = new Map<string, Promise<World>>();

  constructor({ runtime, quick, seed, url, onViolation }: CaseOptions) {
    this.#onViolation = onViolation;
    this.runtime = runtime;
    this.quick = quick;
    this.random = createRandom(seed);
    this.#url = url;
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
    const key = JSON.stringify(options);
    const known = this.#worlds.get(key);
    if (known) return known;
    const world = startWorld(this.runtime, options, this.#url);
    this.#worlds.set(key, world);
    return world;
  }

  async close(): Promise<void> {
    for (const world of this.#worlds.values()) await (await world).close();
  }
}

/** Runs one case on one runtime; never throws for what the product does. */
export async function runCase(faultCase: FaultCase, options: CaseOptions): Promise<Result> {
  const began = performance.now();
  const rounds = new Rounds(options);
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
