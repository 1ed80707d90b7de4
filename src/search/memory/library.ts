/** A user's library in memory: its documents, and their chunks in segments. */
import type { LibraryChunk, LibraryDocument } from '../../store/search/libraries.ts';
import { headingLineOf } from '../../core/document.ts';
import { termsOf } from '../candidates.ts';
import { matchedLanguage, type MatchedLanguage } from '../../text/languages.ts';
import { words } from '../../text/words.ts';
import { codeOf, NO_CODE, vectorIn } from './codes.ts';
import { Lexicon } from './lexicon.ts';
import { Segment, type RememberedChunk } from './segment.ts';

/** Chunks of a segment that is not built again. */
const SEGMENT_SIZE = 2_048;
/** About what a term of the lexicon takes, in bytes. */
const BYTES_OF_A_TERM = 100;

/** The least size of an array that grows. */
const FEWEST = 64;

export class Library {
  /** Of the database, as of which this is the library. */
  revision = -1;
  readonly lexicon = new Lexicon();
  /** By place; a document that was replaced or deleted keeps its place. */
  readonly documents: LibraryDocument[] = [];
  readonly #placeOfVersion = new Map<number, number>();
  readonly #placeOfId = new Map<string, number>();
  /** 1 at the place of each document that searches see. */
  #live = new Uint8Array(FEWEST);
  readonly #languages = new Set<MatchedLanguage>();
  #dimension = 0;
  #full: Segment[] = [];
  /** The chunks of the last segment, which is built again when some are added. */
  #tail: RememberedChunk[] = [];
  #tailSegment: Segment | undefined;
  /** The chunks that searches see, and all that are kept. */
  liveChunks = 0;
  #keptChunks = 0;

  /** Of the vectors; 0 until there are any. */
  get dimension(): number {
    return this.#dimension;
  }

  /** The languages of its documents in which a question has to be matched apart from others. */
  get languages(): readonly MatchedLanguage[] {
    return [...this.#languages];
  }

  get live(): Uint8Array {
    return this.#live;
  }

  get keptChunks(): number {
    return this.#keptChunks;
  }

  /** About what it takes, in bytes. */
  get bytes(): number {
    const segments = this.segments().reduce((sum, { bytes }) => sum + bytes, 0);
    return segments + this.lexicon.size * BYTES_OF_A_TERM;
  }

  segments(): readonly Segment[] {
    if (this.#tail.length === 0) return this.#full;
    this.#tailSegment ??= new Segment(this.#tail, this.lexicon.size, this.#dimension);
    return [...this.#full, this.#tailSegment];
  }

  /**
   * Adds a version that searches see, in place of the one that its document had. A version whose
   * language was corrected is a new one.
   * @returns false when it is there already
   */
  publish(document: LibraryDocument): boolean {
    const known = this.#placeOfVersion.get(document.version);
    if (known !== undefined && this.documents[known]?.language === document.language) return false;
    this.#retire(this.#placeOfId.get(document.id));
    const place = this.documents.push(document) - 1;
    this.#placeOfVersion.set(document.version, place);
    this.#placeOfId.set(document.id, place);
    if (place >= this.#live.length) this.#live = grown(this.#live);
    this.#live[place] = 1;
    this.liveChunks += document.chunkCount;
    const language = matchedLanguage(document.language);
    if (language) this.#languages.add(language);
    return true;
  }

  /** Forgets the documents whose versions are not among these. */
  keepOnly(versions: ReadonlySet<number>): void {
    this.documents.forEach(({ version }, place) => {
      if (!versions.has(version)) this.#retire(place);
    });
  }

  #retire(place: number | undefined): void {
    if (place === undefined || this.#live[place] !== 1) return;
    this.#live[place] = 0;
    this.liveChunks -= this.documents[place]?.chunkCount ?? 0;
  }

  /** Adds chunks of versions that were published; others are left out. */
  add(chunks: readonly LibraryChunk[]): void {
    for (const chunk of chunks) {
      const place = this.#placeOfVersion.get(chunk.version);
      if (place === undefined) continue;
      this.#tail.push(this.#remembered(chunk, place));
      this.#keptChunks++;
    }
    this.#tailSegment = undefined;
    while (this.#tail.length >= SEGMENT_SIZE) {
      const first = this.#tail.splice(0, SEGMENT_SIZE);
      this.#full.push(new Segment(first, this.lexicon.size, this.#dimension));
    }
  }

  #remembered({ id, headings, text, embedding }: LibraryChunk, place: number): RememberedChunk {
    const { title: name = '', language = null } = this.documents[place] ?? {};
    const title = headingLineOf({ title: name, headings, text });
    const vector = embedding ? vectorIn(embedding) : new Float32Array();
    if (this.#dimension === 0) this.#dimension = vector.length;
    const isComparable = vector.length === this.#dimension;
    return {
      id,
      document: place,
      length: words(title, language).length + words(text, language).length,
      sequence: Int32Array.from(termsOf({ title, text, language }), (term) =>
        this.lexicon.add(term),
      ),
      code: isComparable ? codeOf(vector) : NO_CODE,
    };
  }
}

function grown(array: Uint8Array): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(array.length * 2);
  larger.set(array);
  return larger;
}
