/**
 * Finds where a history belongs in a conversation that its client has named, by what was said
 * there: messages of clients that send no history have no hash.
 */
import { answerKey, withoutGreeting, wordsOf, type Exchange } from '../core/exchange.ts';
import type { Message } from '../core/message.ts';
import { contentOf, filesIn } from '../core/parts.ts';
import { readTranscript } from '../store/transcript.ts';
import type { ActionContext } from './context.ts';

/** The end of a history on a path: after an answer, with its question when that is there, too. */
export interface PathPlace {
  answerId: string;
  questionId: string | undefined;
}

/**
 * Compares a history with the beginning of the active path, each without a greeting.
 * @returns undefined where they differ
 */
export async function findOnPath(
  { dependencies, principal }: ActionContext,
  conversationId: string,
  { before: given, ...asked }: Omit<Exchange, 'answer'> & { before: readonly Exchange[] },
): Promise<PathPlace | undefined> {
  const { db, config } = dependencies;
  const before = withoutGreeting(given);
  const slice = { limit: 2 * before.length + 2, after: 0 };
  const mine = { id: conversationId, principal, leaseMs: config.TURN_LEASE_MS };
  const stored = (await readTranscript(db, { ...mine, slice }))?.messages ?? [];
  const greetings = stored[0]?.role === 'assistant' ? 1 : 0;
  const path = stored.slice(greetings);
  const isSame = before.every(
    (exchange, at) =>
      isAsked(path[2 * at], exchange) && isAnswer(path[2 * at + 1], exchange.answer),
  );
  const answer = stored[greetings + 2 * before.length - 1];
  if (!isSame || !answer) return undefined;
  const next = path[2 * before.length];
  return { answerId: answer.id, questionId: isAsked(next, asked) ? next?.id : undefined };
}

function isAsked(
  stored: Message | undefined,
  { question, results = [], files = [] }: Omit<Exchange, 'answer'>,
): boolean {
  if (stored?.role !== 'user' || contentOf(stored.parts) !== question) return false;
  const answered = stored.parts.flatMap((part) =>
    part.type === 'tool_result' ? [part.tool_call_id] : [],
  );
  return (
    answered.join('\n') === results.map(({ tool_call_id: id }) => id).join('\n') &&
    filesIn(stored.parts).length === files.length
  );
}

function isAnswer(stored: Message | undefined, given: Exchange['answer']): boolean {
  return stored?.role === 'assistant' && isSameAnswer(stored, given);
}

/**
 * Tells whether a stored answer is the one that a client has, with the same calls in it. Of an
 * answer that was cut the client may have less than is stored.
 */
export function isSameAnswer(
  { parts, status }: Pick<Message, 'parts' | 'status'>,
  given: Exchange['answer'],
): boolean {
  if (JSON.stringify(answerKey(parts)) === JSON.stringify(answerKey(given ?? []))) return true;
  const words = wordsOf(contentOf(given ?? []));
  const wasCut = status === 'cancelled' || status === 'interrupted';
  return wasCut && words !== '' && wordsOf(contentOf(parts)).startsWith(words);
}
