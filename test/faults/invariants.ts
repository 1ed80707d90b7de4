/** What must hold after every fault, looked at through the API alone. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from './random.ts';
import {
  partsOf,
  type Client,
  type ConversationUsage,
  type StoredMessage,
  type Told,
  type Tree,
} from './client.ts';
import { mustBeTree } from './tree.ts';
import { must, mustEqual } from './violation.ts';

export interface Expectation {
  conversationId: string;
  /** Texts of which exactly one user message each must be there, in any order. */
  acknowledged: string[];
  /** Texts whose request failed: at most one message each may be there. */
  unsure?: string[];
  /** What the model says in a turn that is complete; by user text. */
  answers?: Map<string, string>;
  /** Messages may have been deleted: their sequence numbers are missing. */
  isPruned?: boolean;
  /** How long a running turn may take to come to its end. */
  settleMs: number;
}

const endedStatuses = ['complete', 'truncated', 'filtered', 'cancelled', 'interrupted', 'failed'];

/** Checks a whole conversation and every turn in it. @returns its messages, of all branches */
export async function mustBeConsistent(
  client: Client,
  expected: Expectation,
  random: Random,
): Promise<StoredMessage[]> {
  const tree = await settled(client, expected);
  mustBeTree(tree, { isPruned: expected.isPruned ?? false });
  const messages = tree.all.map(({ message }) => message);
  for (const message of messages) must(message.tokensUsed >= 0, 'tokens_used is negative (I6)');
  mustHoldOnce(messages, expected);
  const usage = await client.usage(tree);
  mustHaveCounted(messages, usage);
  for (const message of messages) {
    const isAnswer = message.role === 'assistant' && message.turnId !== '';
    if (isAnswer) await mustReplay(client, message, random);
  }
  mustEqual(await client.usage(tree), usage, 'the usage after replays (I11)');
  mustAnswerRightly(messages, expected);
  return messages;
}

/** The tree once no turn runs any more (I2). */
async function settled(client: Client, expected: Expectation): Promise<Tree> {
  const deadline = Date.now() + expected.settleMs;
  for (;;) {
    const tree = await client.tree(expected.conversationId);
    const running = tree.all.filter(({ message }) => !endedStatuses.includes(message.status));
    if (running.length === 0) return tree;
    must(running.length === 1, `${running.length} turns run at once (I5)`);
    must(Date.now() < deadline, `a turn has no terminal state after ${expected.settleMs} ms (I2)`);
    await sleep(100);
  }
}

/** I1: no acknowledged message is lost, none is there twice. */
function mustHoldOnce(messages: StoredMessage[], { acknowledged, unsure = [] }: Expectation): void {
  const texts = messages.filter((message) => message.role === 'user').map(({ content }) => content);
  for (const text of acknowledged) {
    const count = texts.filter((other) => other === text).length;
    must(count === 1, `an acknowledged user message is there ${count} times (I1)`);
  }
  for (const text of texts) {
    const count = texts.filter((other) => other === text).length;
    must(count === 1, `a user message is there ${count} times (I1)`);
    const known = acknowledged.includes(text) || unsure.includes(text);
    must(known, 'a user message is there that nobody sent (I1)');
  }
}

/** I11: every answer is in the ledger, with what its message says that it used. */
function mustHaveCounted(messages: StoredMessage[], usage: ConversationUsage | undefined): void {
  const answers = messages.filter(({ role, turnId }) => role === 'assistant' && turnId !== '');
  const said = answers.filter(({ content }) => content !== '');
  const turns = usage?.turns ?? 0;
  must(turns >= said.length, `${said.length} answers and ${turns} turns in the ledger (I11)`);
  if (!usage || usage.estimated) return;
  // Whoever ends a lost turn estimates. Its own process may come back, and knows what was counted.
  const counted = said.filter(({ tokensEstimated }) => !tokensEstimated);
  const tokens = counted.reduce((sum, { tokensUsed }) => sum + tokensUsed, 0);
  must(
    usage.outputTokens >= tokens,
    `answers of ${tokens} tokens, and ${usage.outputTokens} in the ledger (I11)`,
  );
}

function mustAnswerRightly(messages: StoredMessage[], { answers }: Expectation): void {
  if (!answers) return;
  const byId = new Map(messages.map((message) => [message.id, message]));
  for (const message of messages) {
    const asked = byId.get(message.parentId);
    const whole = message.role === 'assistant' && asked ? answers.get(asked.content) : undefined;
    if (whole === undefined) continue;
    const isPrefix = whole.startsWith(message.content);
    must(isPrefix, `the stored text is not what the model said (I3): ${message.content}`);
    if (message.status === 'complete') mustEqual(message.content, whole, 'a complete answer (I3)');
  }
}

/**
 * I3, I4: a replay is the stored answer, and so is what any cursor in it has before and gets after.
 */
export async function mustReplay(client: Client, message: StoredMessage, random: Random) {
  const told = await client.follow(message.turnId);
  mustBeWhole(told);
  mustEqual(told.message, message, 'the terminal event of a replay');
  mustEqual(told.text, message.content, 'the text of a replay (I4)');
  const state = await client.turn(message.turnId);
  mustEqual(state.message, message, 'the message of GET /turns/{id}');
  mustEqual(state.status, message.status, 'the status of GET /turns/{id}');
  const cut = random.below(told.events.length - 1);
  await mustResume(client, told, cut);
}

/** What comes after event number `cut` of a replay is exactly the rest of it. */
export async function mustResume(client: Client, told: Told, cut: number): Promise<void> {
  const event = told.events[cut];
  must(event !== undefined && event.hasOwnId, `event ${cut} of a stream has no id`);
  const rest = await client.follow(told.turnId, event.id);
  if (event.type.startsWith('turn.') && event.type !== 'turn.started') {
    mustEqual(rest.status, 204, 'status of a resume after the terminal event');
    return;
  }
  mustEqual(rest.status, 200, `status of a resume after event ${cut} (${event.type})`);
  mustBeWhole(rest, true);
  const both = [...told.events.slice(0, cut + 1), ...rest.events];
  mustEqual(partsOf(both), partsOf(told.events), 'the parts before and after a cursor (I4)');
  mustEqual(rest.message, told.message, 'the terminal event after a resume');
}

/** A stream in the right order: started first, one terminal event, `done` last. */
export function mustBeWhole(told: Told, isResumed = false): void {
  mustEqual(told.status, 200, `status of a stream (${told.errorCode})`);
  must(told.isWhole, `a stream did not end with done: ${told.events.map((e) => e.type).join()}`);
  if (!isResumed) mustEqual(told.events[0]?.type, 'turn.started', 'first event');
  must(told.terminal !== '', 'a stream has no terminal event');
  mustEqual(told.events.at(-2)?.type, told.terminal, 'the event before done');
  mustEqual(told.events.at(-1)?.data, '[DONE]', 'data of done');
  const status = told.message?.status ?? '';
  const completed = ['complete', 'truncated', 'filtered'].includes(status);
  const event = completed
    ? 'turn.completed'
    : status === 'cancelled'
      ? 'turn.cancelled'
      : 'turn.failed';
  mustEqual(told.terminal, event, `terminal event for the status ${status}`);
}

/** What a client that saw everything was told is what is stored (I3). */
export function mustAgree(told: Told, stored: StoredMessage): void {
  mustBeWhole(told);
  mustEqual(told.message, stored, 'the terminal event and what is stored');
  mustEqual(told.text, stored.content, 'the text that was streamed and what is stored (I3)');
}
