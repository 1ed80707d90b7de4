/**
 * Histories as clients send them that know no ids: the whole conversation with each request. What
 * tells one from another is a hash of it.
 */
import { contentOf, type Part } from './parts.ts';
import { sha256 } from './sha256.ts';

/** A message of the user's and the answer to it; null where the client has none. */
export interface Exchange {
  question: string;
  answer: Part[] | null;
}

/**
 * Returns the hash of a history up to the question of its last exchange. Questions count as they
 * are; of answers only the words, since clients trim them and leave out what a model thought.
 * @param userId whose history it is: the same words of another user are another history
 */
export function historyHash(userId: string, exchanges: readonly Exchange[]): Promise<string> {
  const said = exchanges.map(({ question, answer }, at) =>
    at === exchanges.length - 1 ? [question] : [question, wordsOf(contentOf(answer ?? []))],
  );
  return sha256(JSON.stringify([userId, said]));
}

/** Thoughts that clients keep within the text of an answer. */
const THOUGHTS = /<details type="reasoning"[^>]*>.*?<\/details>|<think>.*?<\/think>/gs;

/** Returns the words of an answer, without thoughts and whatever white space lies between them. */
export function wordsOf(answer: string): string {
  return answer.replace(THOUGHTS, ' ').replace(/\s+/gu, ' ').trim();
}
