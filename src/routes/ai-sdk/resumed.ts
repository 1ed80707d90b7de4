/** A running answer for a client that comes back to it. */
import type { ActionContext } from '../../actions/context.ts';
import { readTranscript } from '../../store/transcript.ts';
import { withBeginning } from '../../turns/follow/with-beginning.ts';
import type { StreamOptions, TurnAddress, TurnStream } from '../../turns/turn-service.ts';
import { uiGroups } from '../../wire/ui-message.ts';
import { earlierChunks } from '../../wire/ui-message-stream.ts';

/**
 * Follows a turn from its start. An answer that goes on after calls is one message with what came
 * before it to the client, whose message is reset: it gets the whole.
 */
export async function resumed(
  context: ActionContext,
  { answerName, ...turn }: TurnAddress & { answerName: string | null },
  options: StreamOptions,
): Promise<TurnStream | undefined> {
  const stream = await context.dependencies.turns.follow(turn, options);
  if (!stream || answerName === null) return stream;
  const earlier = await earlierParts(context, turn);
  return earlier.length === 0 ? stream : withBeginning(stream, earlierChunks(answerName, earlier));
}

/** Messages among which those of one answer are looked for, the newest first. */
const MOST_MESSAGES = 200;

/** Returns the parts that the client has in the same message as the answer of this turn. */
async function earlierParts(
  { dependencies, principal }: ActionContext,
  { turnId, conversationId: id }: TurnAddress,
) {
  const { db, config } = dependencies;
  const slice = { newest: MOST_MESSAGES };
  const leaseMs = config.TURN_LEASE_MS;
  const found = await readTranscript(db, { id, principal, slice, leaseMs });
  const group = uiGroups(found?.messages ?? []).findLast((messages) =>
    messages.some((message) => message.turnId === turnId && message.role === 'assistant'),
  );
  if (!group) return [];
  const before = group.findIndex(({ turnId: of, role }) => of === turnId && role === 'assistant');
  return group.slice(0, before).flatMap(({ parts }) => parts);
}
