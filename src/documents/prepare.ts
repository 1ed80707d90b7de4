/** The part of an ingest that costs CPU and nothing else: a host may do it where it disturbs nobody. */
import { extract, type Extracted, type Sent } from './extract.ts';
import type { Libraries } from './libraries.ts';
import { split, type Chunk } from './split.ts';

export interface Prepared extends Extracted {
  chunks: Chunk[];
}

/** @throws ParleyError as `extract` does */
export type Prepare = (sent: Sent) => Promise<Prepared>;

export async function prepare(sent: Sent, libraries: Libraries): Promise<Prepared> {
  const extracted = await extract(sent, libraries);
  return { ...extracted, chunks: split(extracted.text, { mimeType: extracted.mimeType }) };
}
