/** Collects the figures of a run by server, name and round, and computes the printed medians. */

/** Figure names are free; those that end in `Cpu` are CPU in ms for one turn (or one stream). */
export type Measured = Record<string, number>;

export class Figures {
  #values = new Map<string, number[]>();

  /** Adds the figures that a scenario measured at a server in one round (counted from 0). */
  add(server: string, round: number, measured: Measured): void {
    for (const [figure, value] of Object.entries(measured)) {
      const key = `${server} ${figure}`;
      const values = this.#values.get(key) ?? [];
      values[round] = value;
      this.#values.set(key, values);
    }
  }

  /** Returns the median over the rounds, or undefined when it was not measured. */
  median(server: string, figure: string): number | undefined {
    return median(this.#values.get(`${server} ${figure}`) ?? []);
  }

  /** Returns the names of a server's figures that begin with a prefix. */
  names(server: string, prefix: string): string[] {
    const start = `${server} ${prefix}`;
    const keys = [...this.#values.keys()].filter((key) => key.startsWith(start));
    return keys.map((key) => key.slice(server.length + 1));
  }

  /** Returns the median over the rounds of the ratio to `other` in the same round. */
  ratio(server: string, figure: string, other: string): number | undefined {
    return this.#paired(server, figure, other, (value, base) => value / base);
  }

  /** Returns the median over the rounds of the difference to `other` in the same round. */
  added(server: string, figure: string, other: string): number | undefined {
    return this.#paired(server, figure, other, (value, base) => value - base);
  }

  #paired(
    server: string,
    figure: string,
    other: string,
    combine: (value: number, base: number) => number,
  ): number | undefined {
    const bases = this.#values.get(`${other} ${figure}`) ?? [];
    const values = this.#values.get(`${server} ${figure}`) ?? [];
    return median(values.map((value, round) => combine(value, bases[round] ?? Number.NaN)));
  }
}

/** Returns the median of the finite values, or undefined when there are none. */
export function median(values: number[]): number | undefined {
  return percentile(values, 0.5);
}

/**
 * Returns the value below which a share (0 to 1) of the finite values lies, or undefined when there
 * are none.
 */
export function percentile(values: number[], share: number): number | undefined {
  const sorted = values.filter((value) => Number.isFinite(value)).toSorted((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const low = sorted[Math.floor(at)];
  const high = sorted[Math.ceil(at)];
  if (low === undefined || high === undefined) return undefined;
  return low + (high - low) * (at - Math.floor(at));
}
