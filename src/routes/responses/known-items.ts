/**
 * Items that clients add to a conversation though they are stored here: they have had a question
 * answered by a response, and keep the history by themselves.
 */
import { userOf, withUser } from '../../actions/client-chat.ts';
import type { ActionContext } from '../../actions/context.ts';
import { hashesOf } from '../../actions/place-history.ts';
import { answerKey } from '../../core/exchange.ts';
import type { Message } from '../../core/message.ts';
import { contentOf, type Part } from '../../core/parts.ts';
import { adoptConversation } from '../../store/adopt-conversation.ts';
import type { GivenMessage } from '../../store/append-messages.ts';
import { findExchanges, type StoredExchange } from '../../store/histories.ts';
import { readTranscript } from '../../store/transcript.ts';
import { clientUserOf } from '../shared/client-user.ts';
import { actionContext, type AppContext } from '../shared/dependencies.ts';
import type { InputItem } from './input.ts';
import { messagesOf } from './item-messages.ts';

/** Messages that are there already, and those that are new. */
interface Parted {
  known: Message[];
  added: GivenMessage[];
}

/**
 * Parts items that are stored here already from new ones. An answer is known by the id that it got
 * here; without one, what a turn has answered last is known by what it says.
 */
export function partedBy(stored: readonly Message[], items: readonly InputItem[]): Parted {
  const at = items.findLastIndex(
    (item) => item.kind === 'answer' && stored.some(({ id }) => id === item.messageId),
  );
  const last = items[at];
  const answerId = last?.kind === 'answer' ? last.messageId : undefined;
  const answer = stored.find(({ id }) => id === answerId);
  const known = stored.filter(({ id }) => id === answer?.id || id === answer?.parentId);
  const added = messagesOf(items.slice(at + 1));
  if (known.length > 0) return { known, added };
  const count = overlap(stored, added);
  return { known: count === 0 ? [] : stored.slice(-count), added: added.slice(count) };
}

/** Returns how many messages at the end of the stored ones are those at the beginning of others. */
function overlap(stored: readonly Message[], given: readonly GivenMessage[]): number {
  for (let count = Math.min(stored.length, given.length); count > 1; count--) {
    const tail = stored.slice(-count);
    const isSame = tail.every((message, at) => isKnown(message, given[at]));
    if (isSame && tail.some(({ role }) => role === 'assistant')) return count;
  }
  return 0;
}

/** Only what a turn has answered is known by what it says: what was added may be added again. */
function isKnown(stored: Message, given: GivenMessage | undefined): boolean {
  if (stored.role !== given?.role) return false;
  if (stored.role === 'assistant' && stored.turnId === null) return false;
  return keyOf(stored) === keyOf(given);
}

function keyOf({ role, parts }: { role: string; parts: readonly Part[] }): string {
  if (role === 'assistant') return JSON.stringify(answerKey(parts));
  const results = parts.map((part) => (part.type === 'tool_result' ? part.tool_call_id : ''));
  return JSON.stringify([contentOf(parts), results.filter(Boolean)]);
}

/** A response that is older was not begun for the conversation. */
const BEGUN_WITHIN_MS = 60 * 60_000;
/** The most conversations that are looked at. */
const MOST_LOOKED_AT = 3;

/**
 * Moves the conversation that a response has begun into the empty one to which its client adds the
 * same: a session of OpenAI's agents asks first, and keeps what was said afterwards.
 * @returns true where it was moved
 */
export async function adoptBegun(
  c: AppContext,
  { id, items }: { id: string; items: readonly InputItem[] },
): Promise<boolean> {
  const given = messagesOf(items);
  const [question] = given;
  if (question?.role !== 'user' || given.length < 2) return false;
  const context = withUser(actionContext(c));
  const { dependencies, principal } = context;
  const { db, config } = dependencies;
  const clientUser = clientUserOf(c, {});
  const begun = await begunWith(context, { question: contentOf(question.parts), clientUser });
  for (const { conversationId } of begun) {
    const mine = { id: conversationId, principal };
    const slice = { newest: given.length + 1 };
    const leaseMs = config.TURN_LEASE_MS;
    const messages = (await readTranscript(db, { ...mine, slice, leaseMs }))?.messages ?? [];
    const isSame = messages.every((message, at) => isKnown(message, given[at]));
    const headMessageId = messages.at(-1)?.id;
    if (!isSame || headMessageId === undefined) continue;
    const adopted = { id: conversationId, headMessageId };
    if (await adoptConversation(db, { id, principal, adopted })) return true;
  }
  return false;
}

/** Finds the conversations that responses have begun with a question, newest first. */
async function begunWith(
  { dependencies, principal }: ActionContext,
  { question, clientUser }: { question: string; clientUser: string | undefined },
): Promise<StoredExchange[]> {
  const userId = userOf(principal);
  const { whole } = await hashesOf({ before: [], question }, { userId, clientUser });
  const found = await findExchanges(dependencies.db, { userId, hashes: [whole] });
  return found
    .filter(({ isTemporary, answer }) => !isTemporary && answer.isResponse)
    .filter(({ answer }) => answer.age < BEGUN_WITHIN_MS)
    .slice(0, MOST_LOOKED_AT);
}
