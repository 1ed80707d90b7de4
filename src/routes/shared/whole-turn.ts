/** Answers with a turn that is over, as JSON. */
import type { AppContext } from './dependencies.ts';

/** The headers of such an answer, besides those of every answer and of its turn. */
const HEADERS = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' };

/** Answers with what a client is told of a whole turn. */
export function wholeTurn(c: AppContext, told: object): Response {
  const headers = { ...HEADERS, ...c.get('turnHeaders') };
  return c.get('dependencies').sendWhole(c, JSON.stringify(told), headers);
}
