/**
 * What the tests of tools share: the calls that a stream showed, and what a model was offered and
 * told.
 */
import { asArray, asRecord, asText, parseJson } from '../support/json.ts';
import type { SseEvent } from '../support/sse.ts';

export interface Call {
  id: string;
  name: string;
  input: unknown;
  output: unknown;
  isError: boolean;
}

/**
 * The calls of a stream with their results, in the order of the results; throws for a result of no
 * call. Calls that wait for the client are left out: see `waitingIn`.
 */
export function callsIn(events: SseEvent[]): Call[] {
  const calls: Call[] = [];
  const open = new Map<string, Pick<Call, 'id' | 'name' | 'input'>>();
  for (const { type, data } of events) {
    const record = asRecord(parseJson(data));
    const id = asText(record['tool_call_id']);
    if (type === 'tool.call')
      open.set(id, { id, name: asText(record['name']), input: record['input'] });
    if (type !== 'tool.result') continue;
    const call = open.get(id);
    if (!call) throw new Error(`the result of ${id} follows no call`);
    calls.push({ ...call, output: record['output'], isError: record['is_error'] === true });
    open.delete(id);
  }
  return calls;
}

/** The names of the tools that a request offers, by any wire. */
export function offeredIn(body: unknown): string[] {
  return asArray(asRecord(body)['tools']).flatMap((tool) => {
    const record = asRecord(tool);
    const functions = record['functionDeclarations'] ?? [record['function']];
    return asArray(functions).map((one) => asText(asRecord(one)['name']));
  });
}

/** The contents of the tools' messages in a request to a chat model. */
export function toolMessages(body: unknown): string[] {
  return asArray(asRecord(body)['messages'])
    .map(asRecord)
    .filter(({ role }) => role === 'tool')
    .map(({ content }) => asText(content));
}

/** The types of a message's parts. */
export function partsOf(message: { parts?: { type: string }[] }): string[] {
  return (message.parts ?? []).map(({ type }) => type);
}
