/**
 * Prepares a document: the part of an ingest that only costs CPU. A host may run it in a thread.
 */
import { extract, type Extracted, type Sent } from './extract.ts';
import type { Libraries } from './libraries.ts';
import { split, type Chunk } from './split.ts';

export interface Prepared extends Extracted {
  chunks: Chunk[];
}

/**
 * Extracts and splits a document.
 * @throws ParleyError as `extract` does
 */
export type Prepare = (sent: Sent) => Promise<Prepared>;

export async function prepare(sent: Sent, libraries: Libraries): Promise<Prepared> {
  const extracted = await extract(sent, libraries);
  return { ...extracted, chunks: split(extracted.text, { mimeType: extracted.mimeType }) };
}
