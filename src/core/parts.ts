/**
 * The parts of a message: the same shape in memory, in the database and on every wire. A message is an ordered list of
 * parts; two texts are never neighbours (they would be one).
 */
export interface Citation {
  /** The number a citation `[n]` refers to, from 1. */
  n: number;
  document_id: string;
  chunk_id: string;
  title: string | null;
  url?: string;
  snippet: string;
  score: number;
}

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** What a provider said of a part, by the provider's name. */
export type ProviderMetadata = { [provider: string]: { [key: string]: Json } };

export type Part =
  | { type: 'text'; text: string }
  | { type: 'reasoning'; text: string }
  | { type: 'sources'; sources: Citation[] }
  | {
      type: 'tool_call';
      tool_call_id: string;
      name: string;
      input: Json;
      /** What the provider wants back with the call in later prompts; not shown to clients. */
      provider_metadata?: ProviderMetadata;
    }
  | { type: 'tool_result'; tool_call_id: string; output: Json; is_error?: boolean };

/** Every type of a part; the compiler tells of one that is missing. */
const LISTED: Record<Part['type'], true> = {
  text: true,
  reasoning: true,
  sources: true,
  tool_call: true,
  tool_result: true,
};
// The keys of a record have the type of its keys.
export const PART_TYPES = Object.keys(LISTED) as Part['type'][];

/** Parts whose text grows while a model speaks. */
export type GrowingType = 'text' | 'reasoning';

/** The visible answer: the text parts joined. */
export function contentOf(parts: readonly Part[]): string {
  let content = '';
  for (const part of parts) if (part.type === 'text') content += part.text;
  return content;
}

/**
 * Parts as they are stored: one JSON object a line. A line may hold a fragment: neighbouring lines of the same growing type are one
 * part, so that a checkpoint only appends what is new.
 */
export function encodeParts(parts: readonly Part[]): string {
  return parts.map((part) => JSON.stringify(part)).join('\n');
}

/** The inverse of {@link encodeParts}, fragments joined. */
export function decodeParts(stored: string): Part[] {
  const parts: Part[] = [];
  for (const line of stored.split('\n')) {
    if (line === '') continue;
    // Written by `encodeParts` alone: the column is ours, not a client's.
    const part = JSON.parse(line) as Part;
    const last = parts.at(-1);
    if (last && isGrowing(last) && isGrowing(part) && last.type === part.type)
      last.text += part.text;
    else parts.push(part);
  }
  return parts;
}

export function isGrowing(part: Part): part is Extract<Part, { text: string }> {
  return part.type === 'text' || part.type === 'reasoning';
}
