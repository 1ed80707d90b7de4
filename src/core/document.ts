import type { Failure } from './errors.ts';
import type { Json } from './parts.ts';

/** The states of a document, which are those of its newest ingest. */
export const DOCUMENT_STATUSES = ['processing', 'ready', 'failed'] as const;
export type DocumentStatus = (typeof DOCUMENT_STATUSES)[number];

/** A document as a client sent it, with its text extracted. */
export interface DocumentContent {
  title: string;
  url: string | null;
  /** The type of the file that was sent; the extracted text is plain text or Markdown. */
  mimeType: string;
  metadata: Record<string, Json>;
  text: string;
  /** SHA-256 of the text, hexadecimal. */
  contentHash: string;
  /** The size of the file that was sent, in bytes. */
  size: number;
  /**
   * The charset that its bytes were decoded from, by its name in the Encoding standard; null when
   * no decoding was needed.
   */
  charset: string | null;
  /** The language of its text (ISO 639-1), null where it is not known. */
  language: string | null;
}

export interface Document extends Omit<DocumentContent, 'text'> {
  id: string;
  userId: string;
  /** The conversation that it belongs to and is deleted with; null for a document of the user. */
  conversationId: string | null;
  /** The state of the newest ingest. */
  status: DocumentStatus;
  error: Failure | undefined;
  /**
   * True when searches find it, which they also do while its replacement is being made or has
   * failed.
   */
  isSearchable: boolean;
  chunkCount: number;
  embeddingModel: string | null;
  dimension: number | null;
  /**
   * The version of the analysis that made its chunks and words; null when it is older than
   * versions.
   */
  analysis: number | null;
  /** The chunks of a running ingest: how many are stored, and how many there will be. */
  progress: { done: number; total: number } | undefined;
  /** Milliseconds since the epoch, by the database's clock. */
  createdAt: number;
  updatedAt: number;
}

/**
 * Returns the heading line of a chunk as it is indexed, embedded and ranked: the document's title,
 * then the chunk's headings. A line that the text itself begins with is left out, since it would
 * count twice.
 */
export function headingLineOf(chunk: { title: string; headings: string[]; text: string }): string {
  const opening = chunk.text.replace(/^[#\s]+/, '');
  return [chunk.title, ...chunk.headings.filter((heading) => heading !== chunk.title)]
    .filter((line) => !opening.startsWith(line))
    .join(' › ');
}

export type MetadataValue = string | number | boolean | null;

/** Metadata that a document must have: in each field one of the values, or a list with one. */
export type MetadataFilter = Readonly<Record<string, readonly MetadataValue[]>>;
