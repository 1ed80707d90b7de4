/**
 * Finds where a request belongs whose client knows no ids and sends the whole history: by what was
 * said. The same history has the same place; an edited message becomes a sibling, a shortened
 * history a branch. Where the match is in doubt, a conversation of its own begins.
 */
import { historyHashes, wordsOf, type Exchange } from '../core/exchange.ts';
import { contentOf } from '../core/parts.ts';
import { titleFrom } from '../core/title.ts';
import { createFromHistory, findExchanges, type StoredExchange } from '../store/histories.ts';
import type { TurnAddress } from '../turns/turn-service.ts';
import type { PlacedAsk } from './client-chat.ts';
import type { ActionContext } from './context.ts';
import { newConversation, type ConversationFields } from './start-turn.ts';

/** A history that ends with the question to answer. */
export interface History {
  /** The exchanges before the question, oldest first. */
  before: Exchange[];
  question: string;
}

export interface Placing extends History {
  /** Whose it is. */
  userId: string;
  /** The fields of the conversation, where one is made. */
  create: ConversationFields;
  /** The client's own word for somebody, where one user stands for many. */
  clientUser?: string;
  /**
   * The hash of a request that a client says it repeats: it joins the turn of the same request.
   * Undefined for a first try.
   */
  retryOf?: string;
}

/** The turn to join, or the place of a new one. */
export type Place = { join: TurnAddress } | { ask: PlacedAsk };

/** A retry that comes later than this is a new request, milliseconds. */
const RETRY_WITHIN_MS = 60_000;

/** Finds the place of a history among all that its user has; makes one where there is none. */
export async function placeHistory(context: ActionContext, placing: Placing): Promise<Place> {
  const hashes = await hashesOf(placing);
  const found = await find(context, placing, hashes);
  return matching(found, placing, hashes) ?? { ask: await begin(context, placing, hashes) };
}

/**
 * Finds the place of a history in a conversation.
 * @returns undefined where the conversation has no such history
 */
export async function placeIn(
  context: ActionContext,
  conversationId: string,
  placing: Placing,
): Promise<Place | undefined> {
  const hashes = await hashesOf(placing);
  const found = await find(context, placing, hashes);
  const here = found.filter((exchange) => exchange.conversationId === conversationId);
  return matching(here, placing, hashes);
}

/** Makes a conversation for a history, with what came before the question where there is any. */
export async function beginHistory(context: ActionContext, placing: Placing): Promise<PlacedAsk> {
  return begin(context, placing, await hashesOf(placing));
}

async function begin(context: ActionContext, placing: Placing, hashes: Hashes): Promise<PlacedAsk> {
  const input = messageOf(placing, hashes.whole);
  if (placing.before.length === 0) return { create: placing.create, input };
  const conversation = await keepHistory(context, placing, hashes);
  return {
    conversationId: conversation.id,
    input: { ...input, parentId: conversation.headMessageId },
  };
}

/** Returns the place of a history's question in a conversation, after an answer or at its root. */
export async function placeAfter(
  conversationId: string,
  placing: Placing,
  parentId: string | null | undefined,
): Promise<PlacedAsk> {
  const { whole } = await hashesOf(placing);
  return { conversationId, input: { ...messageOf(placing, whole), parentId } };
}

interface Hashes {
  /** Of the history with its question. */
  whole: string;
  /** Of the history up to each question before. */
  before: string[];
}

async function hashesOf({ before, question, userId, clientUser = '' }: Placing): Promise<Hashes> {
  const owner = JSON.stringify([userId, clientUser]);
  const hashes = await historyHashes(owner, [...before, { question, answer: null }]);
  return { whole: hashes.at(-1) ?? '', before: hashes.slice(0, -1) };
}

function find(context: ActionContext, { userId }: Placing, { whole, before }: Hashes) {
  const hashes = [whole, ...before.slice(-1)];
  return findExchanges(context.dependencies.db, { userId, hashes });
}

/** Returns the place of a history among exchanges; undefined where none is its beginning. */
function matching(
  found: readonly StoredExchange[],
  placing: Placing,
  hashes: Hashes,
): Place | undefined {
  const same = found.find(({ hash }) => hash === hashes.whole);
  if (placing.retryOf !== undefined) {
    const first = found.find((exchange) => isRepeated(exchange, placing.retryOf, hashes));
    if (first) return { join: addressOf(first) };
  }
  if (same) return { ask: again(same) };
  const last = placing.before.at(-1);
  const parent = found.find(
    (exchange) => exchange.hash === hashes.before.at(-1) && last && isAnswerOf(exchange, last),
  );
  if (!parent) return undefined;
  const input = { ...messageOf(placing, hashes.whole), parentId: parent.answer.id };
  return { ask: { conversationId: parent.conversationId, input } };
}

function messageOf({ question }: History, hash: string) {
  const parts = [{ type: 'text' as const, text: question }];
  return { kind: 'message' as const, parts, historyHash: hash };
}

function again({ conversationId, questionId }: StoredExchange): PlacedAsk {
  return { conversationId, input: { kind: 'regenerate', promptId: questionId } };
}

/** Tells whether a stored exchange is of the same request, running or begun a moment ago. */
function isRepeated(
  { hash, answer }: StoredExchange,
  request: string | undefined,
  { whole }: Hashes,
): boolean {
  const isRecent = answer.status === 'streaming' || answer.age < RETRY_WITHIN_MS;
  return hash === whole && answer.turnId !== null && isRecent && answer.request === request;
}

function addressOf({ answer, conversationId }: StoredExchange): TurnAddress {
  return { turnId: answer.turnId ?? '', conversationId };
}

/**
 * Tells whether a stored answer is the one that the client has. Of an answer that was cut the
 * client may have less than is stored.
 */
function isAnswerOf({ answer }: StoredExchange, { answer: given }: Exchange): boolean {
  const stored = wordsOf(contentOf(answer.parts));
  const words = wordsOf(contentOf(given ?? []));
  if (stored === words) return true;
  const wasCut = answer.status === 'cancelled' || answer.status === 'interrupted';
  return wasCut && words !== '' && stored.startsWith(words);
}

/** Keeps a history that is not stored here, in a conversation of its own. */
async function keepHistory(
  context: ActionContext,
  { before, userId, create }: Placing,
  hashes: Hashes,
) {
  const { db, config } = context.dependencies;
  const exchanges = before.map((exchange, at) => ({ ...exchange, hash: hashes.before[at] ?? '' }));
  const text = before[0]?.question ?? '';
  const title = create.title ?? titleFrom({ text, words: config.TITLE_WORD_LIMIT });
  const fields = await newConversation(context, { ...create, title });
  const conversation = { ...fields, userId };
  const made = await createFromHistory(db, { conversation, exchanges });
  // A new id is never known.
  if (made.kind !== 'created') throw new TypeError('a new conversation was there before');
  return made.value;
}
