/**
 * Reads the three event streams of the benchmark: finds the first token in raw bytes (cheaply,
 * while time is measured), and extracts the text of a whole answer (afterwards, strictly).
 */
import type { Reading } from './stream-client.ts';

export type Wire = 'openai' | 'ui' | 'native';

/** Bytes that first occur with the first content delta. */
export const FIRST_TOKEN: Record<Wire, Buffer> = {
  openai: Buffer.from('"delta":{"content":"'),
  ui: Buffer.from('"type":"text-delta"'),
  native: Buffer.from('message.delta'),
};

/**
 * Returns what is wrong with the status or the body of an answer as it came; undefined when nothing
 * is.
 */
export function faultOfReading(
  { status, body }: Pick<Reading, 'status' | 'body'>,
  wire: Wire,
  expected: string,
): string | undefined {
  const text = body.toString('utf8');
  if (status !== 200) return `${status}: ${text.slice(0, 300)}`;
  return faultOf({ wire, body: text, expected });
}

type SseEvent = { event: string; data: string };

/**
 * Returns what is wrong with an answer, or undefined when it is complete: every token, in order,
 * and a proper end.
 */
export function faultOf({
  wire,
  body,
  expected,
}: {
  wire: Wire;
  body: string;
  expected: string;
}): string | undefined {
  const events = parseEvents(body);
  if (events.at(-1)?.data !== '[DONE]') return `no [DONE] at the end: …${body.slice(-200)}`;
  const text = events.map((event) => deltaOf(wire, event)).join('');
  if (text !== expected) return `${expected.length} characters expected, ${text.length} received`;
  if (wire !== 'native') return undefined;
  const terminal = events.filter(({ event }) => /^turn\.(completed|cancelled|failed)$/.test(event));
  return terminal.length === 1 && terminal[0]?.event === 'turn.completed'
    ? undefined
    : `terminal events: ${terminal.map(({ event }) => event).join(', ') || 'none'}`;
}

/** Returns the events of a whole event stream, without comments and fields that have no data. */
function parseEvents(body: string): SseEvent[] {
  return body.split('\n\n').flatMap((block) => {
    let event = 'message';
    const data: string[] = [];
    for (const line of block.split('\n')) {
      const [, field, value = ''] = /^(event|data): ?(.*)$/.exec(line) ?? [];
      if (field === 'event') event = value;
      if (field === 'data') data.push(value);
    }
    return data.length ? [{ event, data: data.join('\n') }] : [];
  });
}

/** Returns the text that an event adds; empty for every other event. */
function deltaOf(wire: Wire, { event, data }: SseEvent): string {
  if (data === '[DONE]') return '';
  if (wire === 'native')
    return event === 'message.delta' ? stringAt(JSON.parse(data), ['text']) : '';
  const value: unknown = JSON.parse(data);
  if (wire === 'openai') return stringAt(value, ['choices', '0', 'delta', 'content']);
  return stringAt(value, ['type']) === 'text-delta' ? stringAt(value, ['delta']) : '';
}

function stringAt(value: unknown, path: string[]): string {
  let at = value;
  for (const key of path) {
    if (typeof at !== 'object' || at === null) return '';
    at = Reflect.get(at, key);
  }
  return typeof at === 'string' ? at : '';
}
