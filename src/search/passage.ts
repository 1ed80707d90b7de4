/** A passage of a document, as a search finds it and a turn cites it. */
import type { Citation } from '../core/parts.ts';
import type { SearchResult } from './plan-search.ts';

/** Length of a citation's snippet, in UTF-16 units. */
const SNIPPET_LENGTH = 300;

/** A chunk that was found. */
export interface Passage {
  /**
   * Numbered from 1 in the order of the list, ready to be sent to clients and stored with a
   * message.
   */
  source: Citation;
  /** The whole chunk, as the model reads it. */
  text: string;
  headings: string[];
  ordinal: number;
  /** Range in the document's text, in UTF-16 units. */
  start: number;
  end: number;
  /** The time of its document's last change, in milliseconds since the epoch. */
  updatedAt: number;
  /** Share of the query's words, weighted by rarity, that the passage contains: 0 to 1. */
  coverage: number;
  /** Null if the vectors were not searched or did not find it. */
  cosine: number | null;
  keywordRank: number | null;
  vectorRank: number | null;
}

/** Returns a result as a passage. @param n its number in the list, from 1 */
export function passageOf(result: SearchResult, n: number): Passage {
  const { documentId, title, url, text, headings, ordinal, start, end, updatedAt } = result;
  return {
    source: {
      n,
      document_id: documentId,
      chunk_id: String(result.id),
      title,
      ...(url ? { url } : {}),
      snippet: snippetOf(text),
      score: result.score,
    },
    text,
    headings,
    ordinal,
    start,
    end,
    updatedAt,
    coverage: result.coverage,
    cosine: result.cosine,
    keywordRank: result.keywordRank,
    vectorRank: result.vectorRank,
  };
}

/** Returns the beginning of a text, up to the end of a word. */
function snippetOf(text: string): string {
  const plain = text.replace(/\s+/gu, ' ').trim();
  if (plain.length <= SNIPPET_LENGTH) return plain;
  const cut = plain.slice(0, SNIPPET_LENGTH);
  return `${cut.slice(0, Math.max(cut.lastIndexOf(' '), SNIPPET_LENGTH / 2)).toWellFormed()}…`;
}
