/** What one event of an OpenAI-like stream says, as far as that can be told without the provider whose service sent it. */
import type { LanguageModelV4FinishReason, LanguageModelV4Usage } from '@ai-sdk/provider';
import type { GrowingType } from '../../core/parts.ts';

/** How a provider reads the chunks of its service. */
export interface ChunkDialect {
  /** The fields of a delta that carry what the model thinks; a service that fills several says the same in each. */
  thoughts: readonly string[];
  /** Whether the provider tells of thoughts, too; one that does not passes over them. */
  tellsThoughts: boolean;
  /** Where the counts of tokens are. */
  usage: 'usage' | 'x_groq';
}

/** An event that only adds text: what stands before the string's content, and what after it. */
export interface Shape {
  type: GrowingType;
  before: string;
  after: string;
  /** Where `after` says something else in each event, and something that means nothing: its beginning and its end, which stay. */
  around?: { head: string; tail: string };
}

/** An event that adds text and nothing else. */
export interface TextEvent {
  kind: 'text';
  text: string;
  shape: Shape;
}

/** An event that adds no text: an opening, a comment, the finish, the counts of tokens, the end mark. */
export interface SilentEvent {
  kind: 'silent';
  finish?: LanguageModelV4FinishReason;
  usage?: LanguageModelV4Usage;
  /** The service says that this is all. */
  isEnd?: true;
}

/** Comments alone: a line of data may follow one with no empty line between, and is no comment. */
const COMMENTS = /^(?::[^\r\n]*\n)+\n$/;

/** @returns undefined for anything that only its provider may judge: tools, refusals, errors, what cannot be read */
export function readEvent(
  event: string,
  dialect: ChunkDialect,
): TextEvent | SilentEvent | undefined {
  if (event === 'data: [DONE]\n\n') return { kind: 'silent', isEnd: true };
  if (COMMENTS.test(event)) return { kind: 'silent' };
  const chunk = chunkIn(event);
  if (!chunk || isSet(chunk.error) || !Array.isArray(chunk.choices) || chunk.choices.length > 1)
    return undefined;
  const choice = chunk.choices[0] ?? {};
  const finish = finishIn(choice.finish_reason);
  const usage = usageIn(rawUsage(chunk, dialect));
  if (finish === 'odd' || usage === 'odd' || (choice.index ?? 0) !== 0) return undefined;
  const said = saidIn(choice.delta);
  if (!said) return undefined;
  const [first, ...others] = said;
  if (!first) return { kind: 'silent', ...(finish && { finish }), ...(usage && { usage }) };
  if (others.length > 0 || finish || usage) return undefined;
  return textEvent(event, first, dialect);
}

/** What the model thinks by this chunk, as its service sent it; `''` where that is nothing. */
export function thoughtIn(chunk: unknown, { thoughts }: ChunkDialect): string {
  const said = saidIn((chunk as Chunk | null)?.choices?.[0]?.delta) ?? [];
  const thought = said.find(([name]) => thoughts.includes(name))?.[1];
  return typeof thought === 'string' ? thought : '';
}

interface Chunk {
  choices?: { index?: number; finish_reason?: unknown; delta?: unknown }[];
  usage?: unknown;
  x_groq?: { usage?: unknown } | null;
  error?: unknown;
}

function chunkIn(event: string): Chunk | undefined {
  if (!event.startsWith('data: {') || event.indexOf('\n') !== event.length - 2) return undefined;
  try {
    // Looked at with care: nothing of it is believed but what is checked.
    return JSON.parse(event.slice('data: '.length)) as Chunk;
  } catch {
    return undefined;
  }
}

/** What the reasons mean of which a plain answer ends; with any other there is more to know. */
const FINISHES = { stop: 'stop', length: 'length', content_filter: 'content-filter' } as const;

function finishIn(raw: unknown): LanguageModelV4FinishReason | 'odd' | undefined {
  if (!isSet(raw)) return undefined;
  if (raw !== 'stop' && raw !== 'length' && raw !== 'content_filter') return 'odd';
  return { unified: FINISHES[raw], raw };
}

function usageIn(raw: unknown): LanguageModelV4Usage | 'odd' | undefined {
  if (!isSet(raw)) return undefined;
  if (typeof raw !== 'object') return 'odd';
  const { prompt_tokens: input, completion_tokens: output } = raw as Record<string, unknown>;
  if (!isCount(input) || !isCount(output)) return 'odd';
  return usageOf(input ?? undefined, output ?? undefined);
}

function isCount(value: unknown): value is number | null | undefined {
  return !isSet(value) || typeof value === 'number';
}

function rawUsage(chunk: Chunk | null, dialect: ChunkDialect): unknown {
  return dialect.usage === 'usage' ? chunk?.usage : chunk?.x_groq?.usage;
}

/** Returns the counts of a chunk that its provider reads, if it brings any. */
export function usageOfChunk(
  chunk: unknown,
  dialect: ChunkDialect,
): LanguageModelV4Usage | undefined {
  const usage = usageIn(rawUsage(chunk as Chunk | null, dialect));
  return usage === 'odd' ? undefined : usage;
}

/** The counts of a service that tells no more than these two. */
export function usageOf(input?: number, output?: number): LanguageModelV4Usage {
  return {
    inputTokens: { total: input, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
    outputTokens: { total: output, text: undefined, reasoning: undefined },
  };
}

/** The fields of a delta that say something, by their names; undefined when it is no delta at all. */
function saidIn(delta: unknown): [string, unknown][] | undefined {
  if (!isSet(delta)) return [];
  if (typeof delta !== 'object') return undefined;
  return Object.entries(delta as object).filter(
    ([name, value]) =>
      isSet(value) &&
      value !== '' &&
      !(Array.isArray(value) && value.length === 0) &&
      name !== 'role' &&
      name !== 'channel',
  );
}

function textEvent(
  event: string,
  [name, text]: [string, unknown],
  { thoughts }: ChunkDialect,
): TextEvent | undefined {
  const isThought = thoughts.includes(name);
  if (typeof text !== 'string' || !(isThought || name === 'content')) return undefined;
  const start = event.indexOf(`"${name}":"`) + name.length + 4;
  const end = endOfString(event, start);
  // Found by another way than the parser's: only if both agree is it what it seems to be.
  if (start < name.length + 4 || end < 0 || unescaped(event.slice(start, end)) !== text)
    return undefined;
  const type = isThought ? 'reasoning' : 'text';
  return {
    kind: 'text',
    text,
    shape: { type, before: event.slice(0, start), after: event.slice(end) },
  };
}

/** What may vary without a meaning, within one string: nothing that JSON would escape. OpenAI's services hide the lengths of their tokens by such a padding. */
const PADDING = /^[\w+/=-]*$/;

/**
 * The shape of the events to come, from that of the last and of the one before. Both said nothing but text; where they differ in a single string after it, that string means nothing,
 * whatever its letters are.
 */
export function nextShape(last: Shape, previous: Shape | undefined): Shape {
  if (previous?.before !== last.before || previous.type !== last.type) return last;
  const [a, b] = [previous.after, last.after];
  const most = Math.min(a.length, b.length);
  let front = 0;
  while (front < most && a[front] === b[front]) front++;
  let back = 0;
  while (back < most - front && a[a.length - 1 - back] === b[b.length - 1 - back]) back++;
  // The two values may begin or end alike.
  while (front > 0 && PADDING.test(a[front - 1] ?? '')) front--;
  while (back > 0 && PADDING.test(b[b.length - back] ?? '')) back--;
  const head = b.slice(0, front);
  const tail = b.slice(b.length - back);
  const isString = head.endsWith(':"') && tail.startsWith('"');
  return isString ? { ...last, around: { head, tail } } : last;
}

/** The text of an event between `from` and `to` when it has this shape; undefined when it has another. */
export function textByShape(
  { before, after, around }: Shape,
  events: string,
  from: number,
  to: number,
): string | undefined {
  if (!events.startsWith(before, from)) return undefined;
  const start = from + before.length;
  if (!around) {
    const end = to - after.length;
    if (end < start || !events.startsWith(after, end)) return undefined;
    return unescaped(events.slice(start, end));
  }
  // A quote that is part of the text leaves the rest no JSON.
  const end = events.indexOf(around.head, start);
  const padding = end + around.head.length;
  const tail = to - around.tail.length;
  if (end < 0 || padding > tail || !events.startsWith(around.tail, tail)) return undefined;
  if (!PADDING.test(events.slice(padding, tail))) return undefined;
  return unescaped(events.slice(start, end));
}

/** The content of a JSON string; undefined when this is not the content of one string. */
function unescaped(content: string): string | undefined {
  if (!/["\\\u0000-\u001f]/.test(content)) return content;
  try {
    const text: unknown = JSON.parse(`"${content}"`);
    return typeof text === 'string' ? text : undefined;
  } catch {
    return undefined;
  }
}

/** The index of the quote that ends the JSON string whose content begins at `start`. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start); at >= 0; at = text.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (text[at - 1 - backslashes] === '\\') backslashes++;
    if (backslashes % 2 === 0) return at;
  }
  return -1;
}

function isSet(value: unknown): boolean {
  return value !== null && value !== undefined;
}
