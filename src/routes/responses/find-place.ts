/** Finds where an input belongs: after a response, in a conversation, or where its history says. */
import { userOf, withUser, type PlacedAsk } from '../../actions/client-chat.ts';
import { beginHistory, hashesOf, placeHistory, type Placing } from '../../actions/place-history.ts';
import { isSameAnswer } from '../../actions/place-on-path.ts';
import { invalid, notFound, ParleyError } from '../../core/errors.ts';
import { sha256 } from '../../core/sha256.ts';
import { readConversation } from '../../store/conversations.ts';
import { findAnswer, findAnswersTo, type AnswerPlace } from '../../store/turns/find-answer.ts';
import { conversationIdIn, turnIdIn } from '../../wire/responses/ids.ts';
import { historyIn } from '../shared/history-of-items.ts';
import type { ResponseAsker } from './asker.ts';
import type { ResponseBody } from './body.ts';
import type { InputItem } from './input.ts';
import { knownResponse } from './known-responses.ts';
import {
  attachmentsOf,
  checkedInstructions,
  filesOf,
  instructionsIn,
  itemsAfter,
  lastAnswerIn,
  lastAnsweredIn,
  partsOf,
} from './said-in-items.ts';

/** A place, before what is asked of the model is added. */
export interface Found {
  ask: PlacedAsk;
  /** True where the instructions of the conversation hold, too. */
  isStanding: boolean;
  /** A hash of the question and all that leads to it, which no other has. */
  hash: string;
  /** The stored answer that the input follows, where what follows it is not to be kept. */
  copies?: AnswerPlace;
  elsewhere?: () => Promise<PlacedAsk>;
  /** Finds the place where this one turns out to be wrong, by `not_found`. */
  ifWrong?: (() => Promise<{ ask: PlacedAsk }>) | undefined;
}

/**
 * Finds the place of an input.
 * @throws ParleyError `invalid_request`, `previous_response_not_found`, `not_found`
 */
export function findPlace(
  asker: ResponseAsker,
  given: ResponseBody,
  items: InputItem[],
): Promise<Found> {
  const { previous_response_id: previous, conversation } = given;
  if (previous && conversation)
    throw invalid('conversation', 'conversation and previous_response_id exclude each other');
  const isKept = given.store !== false;
  if (previous) return afterResponse(asker, previous, items, isKept);
  if (conversation) return inConversation(asker, given, items);
  return afterHistory(asker, items, isKept);
}

async function afterResponse(
  asker: ResponseAsker,
  id: string,
  items: InputItem[],
  isKept: boolean,
): Promise<Found> {
  const turnId = turnIdIn(id);
  const look = () => afterStored(asker, id, items, isKept);
  const known = isKept && isNew(items) ? knownResponse(turnId) : undefined;
  if (!known) return look();
  return { ...(await afterAnswer({ ...known, isTemporary: false }, items, true)), ifWrong: look };
}

async function afterStored(
  asker: ResponseAsker,
  id: string,
  items: InputItem[],
  isKept: boolean,
): Promise<Found> {
  const { dependencies, principal } = asker.context;
  const turnId = turnIdIn(id);
  const place = await findAnswer(dependencies.db, { turnId, principal });
  if (!place || (place.isTemporary && !asker.remembers(turnId))) throw previousNotFound(id);
  if (place.isTemporary && isKept)
    throw invalid('store', 'store: what follows a response that is not kept cannot be kept');
  return afterAnswer(place, newIn(items, place.id, 'previous_response_id'), isKept);
}

/**
 * Returns the items that come after the last stored answer; clients may send that answer again.
 * @param place the field that names the place
 * @throws ParleyError `invalid_request` where items of the history are sent, too
 */
function newIn(items: InputItem[], lastAnswer: string | null, place: string): InputItem[] {
  if (isNew(items)) return items;
  const last = lastAnswerIn(items);
  if (last === undefined || last !== lastAnswer)
    throw invalid('input', `input: with ${place} only what is new may be sent`);
  return itemsAfter(items, last);
}

function isNew(items: readonly InputItem[]): boolean {
  return items.every(({ kind }) => kind !== 'answer');
}

function previousNotFound(id: string): ParleyError {
  const detail = `Previous response with id '${id}' not found.`;
  const errors = [{ path: 'previous_response_id', message: detail }];
  return new ParleyError({ code: 'previous_response_not_found', detail, errors });
}

async function afterAnswer(
  place: AnswerPlace,
  items: InputItem[],
  isKept: boolean,
): Promise<Found> {
  const { id: parentId, conversationId } = place;
  const input = { ...(await messageOf(items, parentId)), parentId };
  const found = { ask: { conversationId, input }, isStanding: true, hash: input.historyHash };
  return isKept || place.isTemporary ? found : { ...found, copies: place };
}

async function inConversation(
  { context: { dependencies, principal } }: ResponseAsker,
  { conversation, store }: ResponseBody,
  items: InputItem[],
): Promise<Found> {
  if (store === false)
    throw invalid('store', 'store: false does not go with a conversation, which keeps its items');
  const named = typeof conversation === 'string' ? conversation : (conversation?.id ?? '');
  const id = conversationIdIn(named);
  // What is new goes to the end, wherever that is.
  const found = isNew(items)
    ? undefined
    : await readConversation(dependencies.db, { id, principal });
  if (!found && !isNew(items)) throw notFound('Conversation');
  const input = await messageOf(newIn(items, found?.headMessageId ?? null, 'a conversation'), id);
  const ask = { conversationId: id, input };
  return { ask, isStanding: true, hash: input.historyHash };
}

/** Makes the user's message of items. @param place the id of what it follows, for its hash */
async function messageOf(items: InputItem[], place: string) {
  const parts = partsOf(items);
  const files = filesOf(items).map(({ key }) => key);
  const said = files.length === 0 ? [place, parts] : [place, parts, files];
  const historyHash = await sha256(JSON.stringify(said));
  return { kind: 'message' as const, parts, historyHash, attachments: attachmentsOf(items) };
}

/** Goes on after the answer whose id the history has, or places the history by what it says. */
async function afterHistory(
  asker: ResponseAsker,
  items: InputItem[],
  isKept: boolean,
): Promise<Found> {
  const { dependencies, principal } = asker.context;
  const messageId = lastAnswerIn(items);
  const place = messageId && (await findAnswer(dependencies.db, { messageId, principal }));
  // What is not kept may be gone in a moment.
  if (place && !place.isTemporary) return afterAnswer(place, itemsAfter(items, place.id), isKept);
  return (await afterAnswered(asker, items, isKept)) ?? byWords(asker, items, isKept);
}

/** Goes on after the answer to a message whose id the history has: some leave out answers' ids. */
async function afterAnswered(
  { context: { dependencies, principal } }: ResponseAsker,
  items: InputItem[],
  isKept: boolean,
): Promise<Found | undefined> {
  const last = lastAnsweredIn(items);
  if (!last) return undefined;
  const { messageId, answer, rest } = last;
  const answers = await findAnswersTo(dependencies.db, { messageId, principal });
  const place = answers.find((each) => !each.isTemporary && isSameAnswer(each, answer));
  return place && afterAnswer(place, rest, isKept);
}

async function byWords(
  { context: given, clientUser }: ResponseAsker,
  items: InputItem[],
  isKept: boolean,
): Promise<Found> {
  const context = withUser(given);
  const userId = userOf(context.principal);
  const history = historyIn(items, 'input');
  const standing = instructionsIn(items);
  const hashes = await hashesOf(history, { userId, clientUser });
  const create = {
    isTemporary: !isKept,
    ...(standing === '' ? {} : { instructions: checkedInstructions(standing) }),
  };
  const placing: Placing = { ...history, userId, hashes, create };
  const begin = () => beginHistory(context, placing);
  // What is said first begins a conversation each time, and so does what is not kept.
  const mayBeKnown = isKept && history.before.length > 0;
  const place = mayBeKnown ? await placeHistory(context, placing) : { ask: await begin() };
  if ('join' in place) throw new TypeError('only a retry is joined');
  const found = { ask: place.ask, isStanding: false, hash: hashes.whole };
  return mayBeKnown ? { ...found, elsewhere: begin, ifWrong: place.ifWrong } : found;
}
