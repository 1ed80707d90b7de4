/** Reads the messages of a conversation for the caller of a request. */
import { readTranscript, type Slice, type Transcript } from '../../store/transcript.ts';
import type { AppContext } from '../shared/dependencies.ts';

/** The most messages in one response; the link leads to the rest. */
const MOST_MESSAGES = 1_000;

/**
 * Reads a conversation and the newest messages of its active path, with a link when there are more.
 * Returns undefined when this caller has no such conversation.
 */
export async function readNewest(c: AppContext, id: string): Promise<Transcript | undefined> {
  const found = await readMessages(c, id, { newest: MOST_MESSAGES });
  if (found?.more) c.header('Link', `</conversations/${id}/messages?limit=200>; rel="next"`);
  return found;
}

/**
 * Reads a conversation and some of its messages; undefined when this caller has no such
 * conversation.
 */
export function readMessages(
  c: AppContext,
  id: string,
  slice: Slice,
): Promise<Transcript | undefined> {
  const { db, config } = c.get('dependencies');
  const principal = c.get('principal');
  return readTranscript(db, { id, principal, slice, leaseMs: config.TURN_LEASE_MS });
}
