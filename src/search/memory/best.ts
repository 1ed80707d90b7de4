/** Chooses the best of many without sorting all of them. */

/**
 * Returns the places with the greatest scores, best first; of equal ones the first. Keeps a heap of
 * the best, the worst of them on top.
 */
export class Best {
  readonly #limit: number;
  readonly #places: number[] = [];
  readonly #scores: number[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** To be called with ascending places, so that of equal scores the first is kept. */
  add(place: number, score: number): void {
    if (this.#places.length < this.#limit) {
      this.#places.push(place);
      this.#scores.push(score);
      this.#up(this.#places.length - 1);
    } else if (score > this.#scores[0]!) {
      this.#places[0] = place;
      this.#scores[0] = score;
      this.#down();
    }
  }

  sorted(): { place: number; score: number }[] {
    const all = this.#places.map((place, at) => ({ place, score: this.#scores[at]! }));
    return all.sort((a, b) => b.score - a.score || a.place - b.place);
  }

  /** True when one is worse: it leaves before the other. */
  #isWorse(a: number, b: number): boolean {
    const difference = this.#scores[a]! - this.#scores[b]!;
    return difference < 0 || (difference === 0 && this.#places[a]! > this.#places[b]!);
  }

  #swap(a: number, b: number): void {
    const [placeA, placeB] = [this.#places[a]!, this.#places[b]!];
    [this.#places[a], this.#places[b]] = [placeB, placeA];
    const [scoreA, scoreB] = [this.#scores[a]!, this.#scores[b]!];
    [this.#scores[a], this.#scores[b]] = [scoreB, scoreA];
  }

  #up(from: number): void {
    for (let at = from; at > 0;) {
      const above = (at - 1) >> 1;
      if (!this.#isWorse(at, above)) return;
      this.#swap(at, above);
      at = above;
    }
  }

  #down(): void {
    const size = this.#places.length;
    for (let at = 0; ;) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      let worst = at;
      if (left < size && this.#isWorse(left, worst)) worst = left;
      if (right < size && this.#isWorse(right, worst)) worst = right;
      if (worst === at) return;
      this.#swap(at, worst);
      at = worst;
    }
  }
}
