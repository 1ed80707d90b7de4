/** What the answers of the doors must hold (more is allowed), and the ways in which clients ask. */
import { randomInt } from 'node:crypto';
import { expect } from 'vitest';
import { unique } from './target.ts';

const uuidV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/u;
const utcTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/u;

// Vitest's matchers are typed as anything; as `unknown` they cannot leak into the tests' own types.
export const anId: unknown = expect.stringMatching(uuidV7);
export const aTime: unknown = expect.stringMatching(utcTime);
export const aText: unknown = expect.any(String);
export const aNumber: unknown = expect.any(Number);

/** A stored message as every door lists it. */
export function aMessage(fields: {
  role: 'user' | 'assistant';
  content?: string;
  sequence_number?: number;
  status?: string;
}): Record<string, unknown> {
  return {
    id: anId,
    content: aText,
    sequence_number: aNumber,
    tokens_used: aNumber,
    status: 'complete',
    created_at: aTime,
    ...fields,
  };
}

/** A problem (RFC 9457) as every refusal must be. */
export function aProblem(status: number, code: string): Record<string, unknown> {
  return { type: aText, title: aText, status, detail: aText, instance: aText, code };
}

/** One of the ways in which the clients of the united APIs write their calls. */
export interface Way {
  name: string;
  slash: '' | '/';
  newUser: () => string | number;
  /** A user message's text under the name that this client uses. */
  says: (text: string) => { message: string } | { content: string };
}

const slashes = ['', '/'] as const;
const users = {
  'string user_id': () => unique('user'),
  'integer user_id': () => randomInt(2 ** 47),
};
const texts = {
  message: (text: string) => ({ message: text }),
  content: (text: string) => ({ content: text }),
};

/** Every combination of trailing slash, type of user_id and name of the text. */
export const ways: Way[] = slashes.flatMap((slash) =>
  Object.entries(users).flatMap(([user, newUser]) =>
    Object.entries(texts).map(([field, says]) => ({
      name: `${slash === '' ? 'no slash' : 'trailing slash'}, ${user}, ${field}`,
      slash,
      newUser,
      says,
    })),
  ),
);
