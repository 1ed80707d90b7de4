/**
 * Changes to the tree of messages that start no turn. While a turn runs they follow `on_busy`, as
 * turns do.
 */
import type { Conversation } from '../core/conversation.ts';
import { invalid, keyReused, notFound } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import { sleep } from '../core/retry.ts';
import type { Database } from '../store/database.ts';
import type { Key } from '../store/idempotency-keys.ts';
import { createFork, readPath } from '../store/tree/fork.ts';
import { deleteBranch } from '../store/tree/delete-branch.ts';
import { findMessage, hasFollowers, type MessageAddress } from '../store/tree/find-message.ts';
import type { Busy } from '../store/tree/state.ts';
import { switchPath } from '../store/tree/switch-path.ts';
import { interruptLost } from '../store/turns/interrupt.ts';
import { turnInProgress } from '../turns/accept/accept-turn.ts';
import type { OnBusy } from '../turns/turn-service.ts';
import type { ActionContext } from './context.ts';

/**
 * The interval at which a waiting change checks whether the running turn has ended, in
 * milliseconds.
 */
const LOOK_UP_EVERY_MS = 250;

interface Change {
  conversationId: string;
  onBusy: OnBusy;
}

/**
 * Finds a message by its id.
 * @throws ParleyError `not_found` when it does not exist or belongs to another user
 */
export async function requireMessage(
  { principal, dependencies }: ActionContext,
  id: string,
): Promise<MessageAddress> {
  const found = await findMessage(dependencies.db, { id, principal });
  if (!found) throw notFound('Message');
  return found;
}

/**
 * Makes the path to the newest leaf below a message the active one.
 * @throws ParleyError `not_found`, `turn_in_progress`
 */
export async function switchTo(
  context: ActionContext,
  change: Change & { messageId: string },
): Promise<Conversation> {
  const { db, leaseMs } = storeOf(context);
  const { conversationId: id, messageId } = change;
  const { principal } = context;
  const result = await whenFree(context, change, () =>
    switchPath(db, { id, messageId, principal, leaseMs }),
  );
  if (result.kind === 'switched') return result.conversation;
  throw notFound(result.kind === 'not_found' ? 'Conversation' : 'Message');
}

/**
 * Deletes a message with everything below it. A turn that runs there is cancelled; a turn that runs
 * elsewhere in the conversation blocks the deletion.
 * @throws ParleyError `not_found`, `turn_in_progress`
 */
export async function deleteMessage(
  context: ActionContext,
  { id, onBusy }: { id: string; onBusy: OnBusy },
): Promise<void> {
  const { db, leaseMs } = storeOf(context);
  const message = await requireMessage(context, id);
  const { conversationId } = message;
  const { runningTurns } = await whenFree(context, { conversationId, onBusy }, () =>
    deleteBranch(db, { message, leaseMs }),
  );
  const { turns } = context.dependencies;
  await Promise.all(runningTurns.map((turnId) => turns.cancel({ turnId, conversationId })));
}

/**
 * Deletes a message that nothing follows.
 * @throws ParleyError `not_found`, `turn_in_progress`, `invalid_request` when something follows it
 */
export async function deleteLast(context: ActionContext, id: string): Promise<void> {
  const { db } = storeOf(context);
  if (await hasFollowers(db, await requireMessage(context, id)))
    throw invalid('id', 'Something follows this: delete that first');
  await deleteMessage(context, { id, onBusy: 'reject' });
}

/**
 * Copies a path of messages into a new conversation of the same owner.
 * @param change `messageId` is the end of the path, the head when it is left out; with
 *   `isTemporary` the copy is not to be kept
 * @throws ParleyError `not_found`, `turn_in_progress`, `idempotency_key_reused`
 */
export async function forkConversation(
  context: ActionContext,
  change: Change & { messageId?: string; idempotency?: Key; isTemporary?: boolean },
): Promise<Conversation> {
  const { db, leaseMs } = storeOf(context);
  const { conversationId: id, messageId, idempotency, isTemporary } = change;
  const { principal } = context;
  for (;;) {
    const path = await whenFree(context, change, () =>
      readPath(db, { id, messageId, principal, leaseMs, idempotency }),
    );
    if (path.kind === 'message_not_found') throw notFound('Message');
    if (path.kind === 'not_found' || path.kind === 'deleted') throw notFound('Conversation');
    const made =
      path.kind === 'path' ? await copyPath(db, { ...path, idempotency, isTemporary }) : path;
    if (made.kind === 'key_reused') throw keyReused();
    // Otherwise part of the path has been deleted since it was read.
    if (made.kind !== 'deleted') return made.value;
  }
}

function copyPath(
  db: Database,
  {
    conversation,
    messageIds,
    idempotency,
    isTemporary,
  }: {
    conversation: Conversation;
    messageIds: string[];
    idempotency: Key | undefined;
    isTemporary: boolean | undefined;
  },
) {
  const copies = messageIds.map((from): [string, string] => [from, newId()]);
  return createFork(db, {
    conversation: { ...conversation, id: newId(), clientId: null, isTemporary },
    copies,
    idempotency,
  });
}

/**
 * Repeats a change until no running turn blocks it.
 * @throws ParleyError `turn_in_progress`
 */
async function whenFree<Result extends { kind: string }>(
  context: ActionContext,
  { conversationId, onBusy }: Change,
  attempt: () => Promise<Result | Busy>,
): Promise<Exclude<Result, Busy>> {
  const { db, leaseMs } = storeOf(context);
  const { turns } = context.dependencies;
  for (;;) {
    const result = await attempt();
    if (!isBusy(result)) return result as Exclude<Result, Busy>;
    const { turnId, leaseLeftMs } = result;
    if (leaseLeftMs < 0) await interruptLost(db, conversationId, leaseMs);
    else if (onBusy === 'interrupt') await turns.cancel({ turnId, conversationId });
    else if (onBusy === 'queue') await pause(context.asker.signal);
    else throw turnInProgress({ leaseLeftMs });
  }
}

function isBusy(result: { kind: string }): result is Busy {
  return result.kind === 'busy';
}

/**
 * Waits before the next attempt.
 * @throws the abort reason when the client has disconnected
 */
async function pause(signal: AbortSignal): Promise<void> {
  await sleep(LOOK_UP_EVERY_MS);
  signal.throwIfAborted();
}

function storeOf({ dependencies: { db, config } }: ActionContext) {
  return { db, leaseMs: config.TURN_LEASE_MS };
}
