/** A chunk as searches show it. */
import { number, optionalText, text, type Row } from '../rows.ts';
import { parseHeadings } from '../json-columns.ts';

export interface FoundChunk {
  id: number;
  documentId: string;
  title: string;
  /** Of its document. */
  url: string | null;
  text: string;
  headings: string[];
  ordinal: number;
  start: number;
  end: number;
  /** The time of its document's last change, in milliseconds since the epoch. */
  updatedAt: number;
}

/** Reads a chunk from a row with its columns and those of its document. */
export function foundChunk(row: Row): FoundChunk {
  return {
    id: number(row['id']),
    documentId: text(row['document_id']),
    title: text(row['title']),
    url: optionalText(row['url']),
    text: text(row['text']),
    headings: parseHeadings(text(row['headings'])),
    ordinal: number(row['ordinal']),
    start: number(row['start_offset']),
    end: number(row['end_offset']),
    updatedAt: number(row['updated_at']),
  };
}
