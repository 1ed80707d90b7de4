/**
 * What the tests of grounded turns share: the sources that a stream showed, and the passages that a
 * model was given.
 */
import type { SseEvent } from '../support/sse.ts';

/** The model that the suite's server embeds with. */
export const EMBEDDER = 'text-embedding-3-small';

export interface SourceJson {
  n: number;
  document_id: string;
  chunk_id: string;
  title: string | null;
  snippet: string;
  score: number;
}

/** Whatever shows an answer. */
export interface Cited {
  sources: SourceJson[];
  citations: SourceJson[];
}

/** The list of the first `sources` event. */
export function sourcesOf(events: SseEvent[]): SourceJson[] {
  const found = events.find(({ type }) => type === 'sources');
  // The shape that the callers go on to assert.
  return (JSON.parse(found?.data ?? '{}') as Partial<Cited>).sources ?? [];
}

/** The passages in a message to a model, as they are marked there. */
export function passagesIn(message: string): { n: number; title: string; text: string }[] {
  const marked =
    /<passage n="(\d+)" title="([^\n]*)" date="\d{4}-\d\d-\d\d">\n([^]*?)\n<\/passage>/gu;
  return Array.from(message.matchAll(marked), ([, n, title = '', text = '']) => ({
    n: Number(n),
    title,
    text,
  }));
}
