/** The sum of what was measured with the same attributes. */
import type { Attributes, AttributeValue } from '@opentelemetry/api';
import type { DataPoint, Histogram } from '@opentelemetry/sdk-metrics';

export class Series {
  readonly attributes: Attributes;
  sum = 0;
  readonly #boundaries: readonly number[];
  /** The number of values up to each boundary, and above the last. */
  readonly #counts: number[];
  #count = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;

  /** @param boundaries of a histogram, ascending; undefined for what is only summed up */
  constructor(attributes: Record<string, AttributeValue>, boundaries: readonly number[] = []) {
    this.attributes = attributes;
    this.#boundaries = boundaries;
    this.#counts = Array.from({ length: boundaries.length + 1 }, () => 0);
  }

  add(value: number): void {
    this.sum += value;
    this.#count++;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
    let at = 0;
    while (at < this.#boundaries.length && value > (this.#boundaries[at] ?? 0)) at++;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
  }

  /** Returns how the values are spread now. */
  histogram(): DataPoint<Histogram>['value'] {
    return {
      ...{ sum: this.sum, count: this.#count, min: this.#min, max: this.#max },
      buckets: { boundaries: [...this.#boundaries], counts: [...this.#counts] },
    };
  }
}
