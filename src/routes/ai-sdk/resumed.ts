/** A running answer for a client that comes back to it. */
import { withBeginning } from '../../turns/follow/with-beginning.ts';
import type { StreamOptions, TurnAddress, TurnStream } from '../../turns/turn-service.ts';
import { uiGroups } from '../../wire/ui-message.ts';
import { earlierChunks } from '../../wire/ui-message-stream.ts';
import { readNewest } from '../conversations/read-messages.ts';
import type { AppContext } from '../shared/dependencies.ts';

/**
 * Follows a turn from its start. An answer that goes on after calls is one message with what came
 * before it to the client, whose message is reset: it gets the whole.
 */
export async function resumed(
  c: AppContext,
  { answerName, ...turn }: TurnAddress & { answerName: string | null },
  options: StreamOptions,
): Promise<TurnStream | undefined> {
  const stream = await c.get('dependencies').turns.follow(turn, options);
  if (!stream || answerName === null) return stream;
  const earlier = await earlierParts(c, turn);
  return earlier.length === 0 ? stream : withBeginning(stream, earlierChunks(answerName, earlier));
}

/** Returns the parts that the client has in the same message as the answer of this turn. */
async function earlierParts(c: AppContext, { turnId, conversationId }: TurnAddress) {
  const found = await readNewest(c, conversationId);
  const group = uiGroups(found?.messages ?? []).findLast((messages) =>
    messages.some((message) => message.turnId === turnId && message.role === 'assistant'),
  );
  if (!group) return [];
  const before = group.findIndex(({ turnId: of, role }) => of === turnId && role === 'assistant');
  return group.slice(0, before).flatMap(({ parts }) => parts);
}
