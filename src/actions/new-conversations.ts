/**
 * Remembers which conversations in `rag` mode were made here and wait for their first question,
 * which is then searched for while its turn is claimed. It is a hint, which may be wrong.
 */
import type { Conversation } from '../core/conversation.ts';
import { LatestMap } from '../core/latest-map.ts';

/** The most conversations that a process or isolate remembers, for all tenants. */
const MOST_REMEMBERED = 10_000;

/** The owners of the conversations, by their ids. */
const waiting = new LatestMap<string>(MOST_REMEMBERED);

/** Remembers a conversation that was made. */
export function noteMade({ id, userId, mode }: Pick<Conversation, 'id' | 'userId' | 'mode'>): void {
  if (mode === 'rag') waiting.set(id, userId);
}

/** Returns the owner of a conversation that waits for its first question, and forgets it. */
export function takeWaiting(id: string): string | undefined {
  const userId = waiting.get(id);
  waiting.delete(id);
  return userId;
}
