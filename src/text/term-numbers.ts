/**
 * Reads texts as numbers of their content terms. A search reads some two hundred texts, most of
 * whose words were met before, so words of ASCII are looked up without becoming strings.
 */

import { hashed, KnownWords, roomFor, startIn } from './known-words.ts';
import { contentTerm, hasPlainPieces, termOf, words, plainWords, wordsOfPiece } from './words.ts';

/** Kinds of bytes. */
const [OTHER, LETTER, DIGIT, CONNECTOR, SPACE, NOT_ASCII] = [0, 1, 2, 3, 4, 5];
const KINDS = Uint8Array.from({ length: 256 }, (_, byte) => kindOf(byte));

function kindOf(byte: number): number {
  if (byte >= 0x80) return NOT_ASCII;
  const character = String.fromCharCode(byte);
  if (/[a-z]/i.test(character)) return LETTER;
  if (/[0-9]/.test(character)) return DIGIT;
  if (/[-./_:]/.test(character)) return CONNECTOR;
  return /\s/.test(character) ? SPACE : OTHER;
}

/** Most bytes of a UTF-16 unit in UTF-8. */
const MOST_BYTES = 3;
/** Sizes to begin with. */
const FEWEST_BYTES = 4_096;
const FEWEST_TERMS = 1_024;

/** The text of a chunk with what stands above it, and its language (ISO 639-1), which is loaded. */
export interface NumberedText {
  title: string;
  text: string;
  language?: string | null | undefined;
}

const encoder = new TextEncoder();

export class TermNumbers {
  readonly #numbers = new Map<string, number>();
  /** The terms of pieces with other characters than those of ASCII. */
  readonly #pieces = new Map<string, readonly number[]>();
  readonly #words = new KnownWords();
  /** The terms of those words, one after the other; by word, where its terms end. */
  #terms = new Int32Array(FEWEST_TERMS);
  #termEnds = new Int32Array(FEWEST_TERMS);
  /** The text that is being read in UTF-8, and the terms that were found in it. */
  #bytes = new Uint8Array(FEWEST_BYTES);
  #end = 0;
  #sequence = new Int32Array(FEWEST_TERMS);
  #length = 0;

  /** One more than the greatest number. */
  get size(): number {
    return this.#numbers.size;
  }

  /** The words and pieces that are remembered. */
  get wordCount(): number {
    return this.#words.size + this.#pieces.size;
  }

  /** Returns the number of a term, -1 if it has none. */
  numberOf(term: string): number {
    return this.#numbers.get(term) ?? -1;
  }

  /**
   * Returns the numbers of a text's content terms in order, or those of all its terms if they are
   * all function words. The array is used again for the next text.
   */
  read({ title, text, language }: NumberedText): Int32Array {
    const whole = `${title}\n${text}`;
    this.#length = 0;
    if (hasPlainPieces(whole, language)) this.#scan(whole);
    else this.#addAll(this.#numbersOf(words(whole, language)));
    if (this.#length === 0)
      this.#addAll(words(whole, language).map((word) => this.#numbered(termOf(word))));
    return this.#sequence.subarray(0, this.#length);
  }

  /** Reads what stands between spaces: ASCII as it is, and pieces with other characters whole. */
  #scan(text: string): void {
    this.#encode(text);
    const bytes = this.#bytes;
    const end = this.#end;
    /** The piece that is being read, the run of letters and digits, and the terms before each. */
    let piece = 0;
    let before = 0;
    let run = -1;
    let beforeRun = 0;
    /** By how much the UTF-16 units before a byte are fewer. */
    let more = 0;
    for (let at = 0; at < end;) {
      const kind = KINDS[bytes[at]!]!;
      if (kind === LETTER) {
        if (run < 0) {
          run = at;
          beforeRun = this.#length;
        }
        at = this.#readWord(at);
      } else if (kind === DIGIT) {
        // With a digit the whole run is a code.
        if (run >= 0) this.#length = beforeRun;
        at = this.#readCode(run < 0 ? at : run);
        run = -1;
      } else if (kind === NOT_ASCII) {
        const begin = piece - more;
        for (; at < end && KINDS[bytes[at]!] !== SPACE; at++) more += moreIn(bytes[at]!);
        this.#length = before;
        this.#addPiece(text.slice(begin, at - more));
        run = -1;
      } else {
        at++;
        if (kind === CONNECTOR && run >= 0 && this.#isInRun(at)) continue;
        run = -1;
        if (kind === SPACE) {
          piece = at;
          before = this.#length;
        }
      }
    }
  }

  #encode(text: string): void {
    const most = text.length * MOST_BYTES;
    if (this.#bytes.length < most) this.#bytes = new Uint8Array(most);
    this.#end = encoder.encodeInto(text, this.#bytes).written;
  }

  /** Returns true where a letter or a digit of ASCII is. */
  #isInRun(at: number): boolean {
    if (at >= this.#end) return false;
    const kind = KINDS[this.#bytes[at]!];
    return kind === LETTER || kind === DIGIT;
  }

  /** Reads letters, and returns where they end. */
  #readWord(from: number): number {
    const bytes = this.#bytes;
    const end = this.#end;
    let hash = this.#words.seed;
    let at = from;
    for (; at < end && KINDS[bytes[at]!] === LETTER; at++) hash = hashed(hash, bytes[at]!);
    this.#addWord(from, at, hash);
    return at;
  }

  /** Reads letters, digits and connectors between them, and returns where they end. */
  #readCode(from: number): number {
    const bytes = this.#bytes;
    let hash = this.#words.seed;
    let at = from;
    while (this.#isInRun(at) || (KINDS[bytes[at]!] === CONNECTOR && this.#isInRun(at + 1)))
      hash = hashed(hash, bytes[at++]!);
    this.#addWord(from, at, hash);
    return at;
  }

  /** Adds the terms of a word of ASCII, which it remembers. */
  #addWord(from: number, to: number, hash: number): void {
    const known = this.#words.size;
    const place = this.#words.placeOf(this.#bytes, from, to, hash);
    if (place === known) this.#remember(place, from, to);
    const ends = this.#termEnds;
    for (let at = startIn(ends, place); at < ends[place]!; at++) this.#add(this.#terms[at]!);
  }

  #remember(place: number, from: number, to: number): void {
    const word = String.fromCharCode(...this.#bytes.slice(from, to));
    const terms = this.#numbersOf(plainWords(word));
    this.#termEnds = roomFor(place + 1, this.#termEnds);
    const begin = startIn(this.#termEnds, place);
    const end = begin + terms.length;
    this.#terms = roomFor(end, this.#terms);
    this.#terms.set(terms, begin);
    this.#termEnds[place] = end;
  }

  #addPiece(piece: string): void {
    let terms = this.#pieces.get(piece);
    if (!terms) this.#pieces.set(piece, (terms = this.#numbersOf(wordsOfPiece(piece))));
    this.#addAll(terms);
  }

  #addAll(terms: readonly number[]): void {
    for (const term of terms) this.#add(term);
  }

  #add(term: number): void {
    if (this.#length === this.#sequence.length)
      this.#sequence = roomFor(this.#length + 1, this.#sequence);
    this.#sequence[this.#length++] = term;
  }

  /** Returns the numbers of those words that are content. */
  #numbersOf(list: readonly string[]): number[] {
    const numbers: number[] = [];
    for (const word of list) {
      const term = contentTerm(word);
      if (term !== null) numbers.push(this.#numbered(term));
    }
    return numbers;
  }

  #numbered(term: string): number {
    let number = this.#numbers.get(term);
    if (number === undefined) this.#numbers.set(term, (number = this.#numbers.size));
    return number;
  }
}

/**
 * Returns by how much a byte makes a text longer in UTF-8 than in UTF-16: each but the first of a
 * character, less one where UTF-16 has two units.
 */
function moreIn(byte: number): number {
  if (byte >= 0xf0) return -1;
  return byte >= 0x80 && byte < 0xc0 ? 1 : 0;
}
