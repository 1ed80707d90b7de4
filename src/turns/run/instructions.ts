/** Tells what a model is told before the conversation begins. */
import type { Conversation } from '../../core/conversation.ts';
import type { TurnParameters } from '../../core/parameters.ts';

/** Returns the instructions of a turn; null where nobody has given any. */
export function instructionsOf({
  conversation,
  parameters,
}: {
  conversation: Pick<Conversation, 'instructions'>;
  parameters?: TurnParameters | undefined;
}): string | null {
  const standing = parameters?.instructions ?? conversation.instructions;
  const more = parameters?.more_instructions;
  if (more === undefined) return standing;
  return standing ? `${standing}\n\n${more}` : more;
}
