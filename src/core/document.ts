import type { Failure } from './errors.ts';
import type { Json } from './parts.ts';

/** How the newest ingest of a document went or goes. */
export const DOCUMENT_STATUSES = ['processing', 'ready', 'failed'] as const;
export type DocumentStatus = (typeof DOCUMENT_STATUSES)[number];

/** What a client gives of a document, its text extracted. */
export interface DocumentContent {
  title: string;
  url: string | null;
  /** Of what was sent; the text is plain or Markdown. */
  mimeType: string;
  metadata: Record<string, Json>;
  text: string;
  /** SHA-256 of the text, hexadecimal. */
  contentHash: string;
  /** Bytes that were sent. */
  size: number;
  /** The charset that its bytes were read in, as the Encoding standard names it; null where none had to be. */
  charset: string | null;
}

export interface Document extends Omit<DocumentContent, 'text'> {
  id: string;
  userId: string;
  /** The conversation it belongs to and is deleted with; null where it is the user's own. */
  conversationId: string | null;
  /** How the newest ingest went or goes. */
  status: DocumentStatus;
  error: Failure | undefined;
  /** True when searches find it: also while its replacement is being made, or failed. */
  isSearchable: boolean;
  chunkCount: number;
  embeddingModel: string | null;
  dimension: number | null;
  /** The version of what made chunks and words of its text; null for one from before there were any. */
  analysis: number | null;
  /** Chunks stored and in all of an ingest that is not over. */
  progress: { done: number; total: number } | undefined;
  /** Milliseconds since the epoch, by the database's clock. */
  createdAt: number;
  updatedAt: number;
}

/**
 * Returns the heading line of a chunk as it is indexed, embedded and ranked: the document's title, then
 * the chunk's headings. Lines that the text itself begins with are left out, since they would count twice.
 */
export function headingLineOf(chunk: { title: string; headings: string[]; text: string }): string {
  const opening = chunk.text.replace(/^[#\s]+/, '');
  return [chunk.title, ...chunk.headings.filter((heading) => heading !== chunk.title)]
    .filter((line) => !opening.startsWith(line))
    .join(' › ');
}
