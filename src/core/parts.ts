/**
 * The parts of a message, which have one shape in memory, in the database and on every wire. A
 * message is an ordered list of parts; no text part follows another, since the two would be one.
 */
export interface Citation {
  /** The number that a citation `[n]` refers to, from 1. */
  n: number;
  document_id: string;
  chunk_id: string;
  title: string | null;
  url?: string;
  snippet: string;
  score: number;
}

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Metadata that providers attached to a part, by the provider's name. */
export type ProviderMetadata = { [provider: string]: { [key: string]: Json } };

/** A file that a user's message has attached. */
export interface FilePart {
  type: 'file';
  file_id: string;
  name: string;
  mime_type: string;
  /** Bytes. */
  size: number;
  sha256: string;
  /** About how many tokens its text is; not set for a file without one. */
  text_tokens?: number;
  /** The address that it was fetched from, where it was given by one. */
  url?: string;
}

/** An image or a sound that a tool has answered with, kept as a file of the user's. */
export type ResultFile = Omit<FilePart, 'type' | 'text_tokens' | 'url'>;

export type Part =
  | { type: 'text'; text: string }
  | { type: 'reasoning'; text: string }
  | { type: 'sources'; sources: Citation[] }
  | {
      type: 'tool_call';
      tool_call_id: string;
      name: string;
      input: Json;
      /** Metadata that the provider needs with the call in later prompts; clients do not see it. */
      provider_metadata?: ProviderMetadata;
    }
  | {
      type: 'tool_result';
      tool_call_id: string;
      output: Json;
      is_error?: boolean;
      /** True when the user did not allow the call. */
      is_denied?: true;
      files?: ResultFile[];
    }
  /** A question to the user: may this call run? It is in the answer, after its call. */
  | { type: 'tool_approval'; approval_id: string; tool_call_id: string; name: string; input: Json }
  /** The user's word on such a call. It is in the message after the answer. */
  | { type: 'approval'; approval_id: string; approved: boolean; reason?: string; always?: true }
  /** It is in the messages of users alone. */
  | FilePart
  /** A message that steered the answer; it stands where the model was told. */
  | { type: 'steered'; message: SteeredMessage };

/** A message that has steered a turn. */
export interface SteeredMessage {
  id: string;
  role: 'user';
  content: string;
  /** Set when it is more than its text. */
  parts?: Part[];
  client_id?: string;
  created_at: string;
}

/** Lists every type of a part; the compiler rejects the list when one is missing. */
const LISTED: Record<Part['type'], true> = {
  text: true,
  reasoning: true,
  sources: true,
  tool_call: true,
  tool_result: true,
  tool_approval: true,
  approval: true,
  steered: true,
  file: true,
};
// The keys of a record have the type of its keys.
export const PART_TYPES = Object.keys(LISTED) as Part['type'][];

/** The types of parts whose text grows while a model generates. */
export type GrowingType = 'text' | 'reasoning';

/** Returns the visible text of an answer, its text parts joined. */
export function contentOf(parts: readonly Part[]): string {
  let content = '';
  for (const part of parts) if (part.type === 'text') content += part.text;
  return content;
}

/**
 * Encodes parts for the database, as one JSON object a line. A line may hold a fragment:
 * neighbouring lines of the same growing type are one part, so a checkpoint only appends what is
 * new.
 */
export function encodeParts(parts: readonly Part[]): string {
  return parts.map((part) => JSON.stringify(part)).join('\n');
}

/** Decodes what {@link encodeParts} encoded, and joins fragments. */
export function decodeParts(stored: string): Part[] {
  const parts: Part[] = [];
  for (const line of stored.split('\n')) {
    if (line === '') continue;
    // Only `encodeParts` writes this column, so no client's data is trusted here.
    const part = JSON.parse(line) as Part;
    const last = parts.at(-1);
    if (last && isGrowing(last) && isGrowing(part) && last.type === part.type)
      last.text += part.text;
    else parts.push(part);
  }
  return parts;
}

/** Returns the files of a message. */
export function filesIn(parts: readonly Part[]): FilePart[] {
  return parts.filter((part) => part.type === 'file');
}

export function isGrowing(part: Part): part is Extract<Part, { text: string }> {
  return part.type === 'text' || part.type === 'reasoning';
}
