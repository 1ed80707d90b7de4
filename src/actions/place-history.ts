/**
 * Finds where a request belongs whose client knows no ids and sends the whole history: by what was
 * said. The same history has the same place; an edited message becomes a sibling, a shortened
 * history a branch. Where the match is in doubt, a conversation of its own begins.
 */
import {
  answerHash,
  historyHashes,
  questionParts,
  type Exchange,
  type Question,
} from '../core/exchange.ts';
import { invalid } from '../core/errors.ts';
import { titleFrom } from '../core/title.ts';
import { createFromHistory, findExchanges, type StoredExchange } from '../store/histories.ts';
import { RETRY_WITHIN_MS } from '../store/turns/find-answer.ts';
import type { TurnAddress } from '../turns/turn-service.ts';
import { keepOld } from './attachments.ts';
import type { PlacedAsk } from './client-chat.ts';
import type { ActionContext } from './context.ts';
import { madeByFirstTry } from './first-try.ts';
import { findOnPath, isSameAnswer } from './place-on-path.ts';
import { newConversation, type ConversationFields } from './start-turn.ts';

/** A history that ends with the question to answer. */
export interface History extends Question {
  /** The exchanges before the question, oldest first. */
  before: Exchange[];
}

export interface Placing extends History {
  /** Its owner. */
  userId: string;
  /** The fields of the conversation, where one is made. */
  create: ConversationFields;
  /** A hash that no other history has. */
  hashes: Hashes;
  /**
   * The hash of a request that a client says it repeats: it joins the turn of the same request.
   * Undefined for a first try.
   */
  retryOf?: string;
}

interface Hashes {
  /** Of the history with its question. */
  whole: string;
  /** Of the history up to each question before. */
  before: string[];
}

/**
 * Returns what tells a history from all others.
 * @param clientUser the client's own word for somebody, where one user stands for many
 */
export async function hashesOf(
  { before, question, results, files }: History,
  { userId, clientUser = '' }: { userId: string; clientUser?: string | undefined },
): Promise<Hashes> {
  const owner = JSON.stringify([userId, clientUser]);
  const hashes = await historyHashes(owner, [
    ...before,
    { question, results, files, answer: null },
  ]);
  return { whole: hashes.at(-1) ?? '', before: hashes.slice(0, -1) };
}

/** The turn to join, or the place of a new one. */
export type Place = { join: TurnAddress } | Found;

interface Found {
  ask: PlacedAsk;
  /** Finds the place where this one turns out to be wrong, by `not_found`. */
  ifWrong?: () => Promise<Found>;
}

/**
 * Returns the place of a history among all that its user has. What is said first has nearly always
 * been said for the first time: that is left to the claim, which saves the look.
 */
export async function placeHistory(context: ActionContext, placing: Placing): Promise<Place> {
  const { before, results, retryOf, create, hashes } = placing;
  const repeated = await repeatedIn(context, undefined, placing);
  if (repeated) return repeated;
  if (before.length > 0 || results || retryOf !== undefined)
    return (await recall(context, placing)) ?? findPlace(context, placing);
  return {
    ask: { create: { ...create, unlessAsked: hashes.whole }, input: messageOf(placing) },
    ifWrong: () => findPlace(context, placing),
  };
}

/** Returns the place of a history whose last answer was given here: the claim makes sure of it. */
async function recall(context: ActionContext, placing: Placing): Promise<Found | undefined> {
  const { hashes, before, retryOf } = placing;
  const [question, answer] = [hashes.before.at(-1), before.at(-1)?.answer];
  if (question === undefined || !answer || retryOf !== undefined) return undefined;
  const after = { question, answer: await answerHash(answer) };
  const conversationId = await context.dependencies.turns.recall(after, hashes.whole);
  if (conversationId === undefined) return undefined;
  return {
    ask: { conversationId, input: { ...messageOf(placing), after } },
    ifWrong: () => findPlace(context, placing),
  };
}

/** Finds the place of a history among all that its user has; makes one where there is none. */
async function findPlace(context: ActionContext, placing: Placing): Promise<Found> {
  const found = await find(context, placing);
  return matching(found, placing) ?? { ask: await beginHistory(context, placing) };
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
  const found = await find(context, placing);
  const here = found.filter((exchange) => exchange.conversationId === conversationId);
  return matching(here, placing) ?? placeOnPath(context, conversationId, placing);
}

async function placeOnPath(
  context: ActionContext,
  conversationId: string,
  placing: Placing,
): Promise<Place | undefined> {
  const found = await findOnPath(context, conversationId, placing);
  if (!found) return undefined;
  const { answerId, questionId } = found;
  return questionId === undefined
    ? { ask: placeAfter(conversationId, placing, answerId) }
    : { ask: again({ conversationId, questionId }, placing.hashes.whole) };
}

/**
 * Finds the turn of the request that a client says it repeats: undefined where there is none, and
 * for a first try, which asks nobody.
 * @param conversationId where it must be; undefined for anywhere
 */
export async function repeatedIn(
  context: ActionContext,
  conversationId: string | undefined,
  placing: Placing,
): Promise<Place | undefined> {
  if (placing.retryOf === undefined) return undefined;
  const isThere = (exchange: StoredExchange) =>
    conversationId === undefined || exchange.conversationId === conversationId;
  const first = await madeByFirstTry(async () => {
    const found = await find(context, placing);
    return found.find((exchange) => isThere(exchange) && isRepeated(exchange, placing));
  });
  return first && { join: addressOf(first) };
}

/** Makes a conversation for a history, with what came before the question where there is any. */
export async function beginHistory(context: ActionContext, placing: Placing): Promise<PlacedAsk> {
  const input = messageOf(placing);
  if (placing.before.length === 0) {
    if (placing.results) throw invalid('messages', 'these results answer no call in the messages');
    return { create: placing.create, input };
  }
  const conversation = await keepHistory(context, placing);
  return {
    conversationId: conversation.id,
    input: { ...input, parentId: conversation.headMessageId },
  };
}

/** Returns the place of a history's question in a conversation, after an answer or at its root. */
export function placeAfter(
  conversationId: string,
  placing: Placing,
  parentId: string | null | undefined,
): PlacedAsk {
  return { conversationId, input: { ...messageOf(placing), parentId } };
}

/** A turn that is kept has no place in a conversation that is not, nor the other way round. */
async function find(context: ActionContext, { userId, hashes, create }: Placing) {
  const { whole, before } = hashes;
  const wanted = { userId, hashes: [whole, ...before.slice(-1)] };
  const found = await findExchanges(context.dependencies.db, wanted);
  return found.filter(({ isTemporary }) => isTemporary === (create.isTemporary ?? false));
}

/** Returns the place of a history among exchanges; undefined where none is its beginning. */
function matching(found: readonly StoredExchange[], placing: Placing): Found | undefined {
  const { hashes } = placing;
  const same = found.find(({ hash }) => hash === hashes.whole);
  if (same) return { ask: again(same, hashes.whole) };
  const last = placing.before.at(-1);
  const parent = found.find(
    (exchange) =>
      exchange.hash === hashes.before.at(-1) && last && isSameAnswer(exchange.answer, last.answer),
  );
  if (!parent) return undefined;
  return { ask: placeAfter(parent.conversationId, placing, parent.answer.id) };
}

function messageOf(placing: Placing) {
  const parts = questionParts(placing);
  const { hashes, files } = placing;
  const attachments = files?.map(({ attachment }) => attachment);
  return { kind: 'message' as const, parts, historyHash: hashes.whole, attachments };
}

function again(
  { conversationId, questionId }: Pick<StoredExchange, 'conversationId' | 'questionId'>,
  historyHash: string,
): PlacedAsk {
  return { conversationId, input: { kind: 'regenerate', promptId: questionId, historyHash } };
}

/** Tells whether a stored exchange is of the same request, running or begun a moment ago. */
function isRepeated({ hash, answer }: StoredExchange, { hashes, retryOf }: Placing): boolean {
  const isRecent = answer.status === 'streaming' || answer.age < RETRY_WITHIN_MS;
  const isSame = hash === hashes.whole && answer.request === retryOf;
  return isSame && answer.turnId !== null && isRecent;
}

function addressOf({ answer, conversationId }: StoredExchange): TurnAddress {
  return { turnId: answer.turnId ?? '', conversationId };
}

/** Keeps a history that is not stored here, in a conversation of its own. */
async function keepHistory(context: ActionContext, { before, ...placing }: Placing) {
  const { userId, create, hashes } = placing;
  const { db, config } = context.dependencies;
  const exchanges = [];
  for (const [at, { files = [], ...exchange }] of before.entries()) {
    const attachments = files.map(({ attachment }) => attachment);
    const kept = await keepOld(context, attachments, userId);
    exchanges.push({ ...exchange, kept, hash: hashes.before[at] ?? '' });
  }
  const text = [...before, placing].find(({ question }) => question !== '')?.question ?? '';
  const title = create.title ?? titleFrom({ text, words: config.TITLE_WORD_LIMIT });
  const fields = await newConversation(context, { ...create, title });
  const conversation = { ...fields, userId };
  const made = await createFromHistory(db, { conversation, exchanges });
  // A new id is never known.
  if (made.kind !== 'created') throw new TypeError('a new conversation was there before');
  return made.value;
}
