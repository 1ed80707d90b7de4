/**
 * The claim of a message that follows an answer which a process has only remembered: it holds where
 * a look-up would find that answer, and nothing that fits the history better.
 */

/** An answer as a process remembers it, which has to be found again: one that was told stays. */
export interface Remembered {
  /** The hash of the history up to its question. */
  question: string;
  /** UTF-16 units of its text. */
  textLength: number;
}

/**
 * True where an answer is in the conversation `c` as it is remembered, and the same history with
 * the same question is not stored yet. It takes the arguments of {@link rememberedArgs}.
 */
export const IS_AS_REMEMBERED = ` AND c.is_temporary = 0
    AND EXISTS (SELECT 1 FROM messages r JOIN messages q ON q.id = r.parent_id
      WHERE r.id = ? AND r.conversation_id = c.id AND r.role = 'assistant' AND r.status <> 'streaming'
        AND r.text_length = ? AND q.history_hash = ?)
    AND NOT EXISTS (SELECT 1 FROM messages s WHERE s.history_hash = ?)`;

/** Returns the arguments for a message; none where it names its parent for certain. */
export function rememberedArgs({
  after,
  parentId = null,
  historyHash,
}: {
  after?: Remembered | undefined;
  parentId: string | null | undefined;
  historyHash: string | null;
}): (string | number | null)[] {
  return after ? [parentId, after.textLength, after.question, historyHash] : [];
}
