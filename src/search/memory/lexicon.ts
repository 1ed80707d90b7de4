/**
 * Gives each term of a library a number, since numbers are compared and stored faster than text.
 */
export class Lexicon {
  readonly #numbers = new Map<string, number>();

  get size(): number {
    return this.#numbers.size;
  }

  /** Returns the number of a term, a new one if it has none. */
  add(term: string): number {
    let known = this.#numbers.get(term);
    if (known === undefined) {
      known = this.#numbers.size;
      this.#numbers.set(term, known);
    }
    return known;
  }

  /** Returns the number of a term, -1 if it has none. */
  numberOf(term: string): number {
    return this.#numbers.get(term) ?? -1;
  }
}
