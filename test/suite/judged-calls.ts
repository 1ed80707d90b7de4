/** Calls of the API for OpenAI's clients whose answers are judged by OpenAI's description. */
import { expect } from 'vitest';
import type { RequestInit } from '../support/http.ts';
import { asRecord, parseJson } from '../support/json.ts';
import { OPERATIONS, wrongIn } from '../support/openai-document/judge.ts';
import type { Target } from './target.ts';

type Init = RequestInit & {
  /** What stands in the path for its parameters. */
  names?: string[];
};

/** Returns the calls of a user, and what tells of operations that no call has judged yet. */
export function judgedCalls(target: Target, headers: Record<string, string>) {
  const judged = new Set<string>();

  /** Calls an operation and judges its answer. */
  async function ask(operation: string, { names = [], ...init }: Init) {
    const [method = ''] = operation.split(' ');
    const sent = { method: method.toUpperCase(), headers, ...init };
    const { status, text, json } = await target.call(pathOf(operation, names), sent);
    expect(status, text).toBe(200);
    const wrong = wrongIn(operation, 'json', withoutNullUsage(json));
    expect([operation, wrong]).toEqual([operation, []]);
    judged.add(operation);
    return asRecord(json);
  }

  /** Asks for a stream and judges its events; the last is a marker. */
  async function listen(operation: string, path: string, json?: object) {
    const stream = await target.stream(path, json ? { json, headers } : { headers });
    expect(stream.status).toBe(200);
    const { events } = await stream.collect();
    expect(events.at(-1)?.data).toBe('[DONE]');
    return events.slice(0, -1).map(({ data }) => {
      const event = asRecord(parseJson(data));
      expect([data, wrongIn(operation, 'stream', withoutNullUsage(event))]).toEqual([data, []]);
      return event;
    });
  }

  return {
    ask,
    listen,
    notJudged: () => OPERATIONS.filter((operation) => !judged.has(operation)),
  };
}

function pathOf(operation: string, names: string[]): string {
  const path = `/v1${operation.slice(operation.indexOf('/'))}`;
  return names.reduce((filled, name) => filled.replace(/\{\w+\}/u, name), path);
}

/**
 * Leaves out the tokens of a response that runs. Open Responses wants them to be there and null,
 * while OpenAI's description knows no null.
 */
function withoutNullUsage(value: unknown): unknown {
  const { usage, response, ...rest } = asRecord(value);
  if (response !== undefined) return { ...rest, response: withoutNullUsage(response) };
  const runs = rest['object'] === 'response' && rest['status'] === 'in_progress';
  return runs && usage === null ? rest : value;
}
