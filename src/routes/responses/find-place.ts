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
import {
  attachmentsOf,
  checkedInstructions,
  filesOf,
  instructionsIn,
  itemsAfter,
  lastAnswerIn,
  lastAnsweredIn,
  partsOf,
  type InputItem,
} from './input.ts';

/** A place, before what is asked of the model is added. */
export interface Found {
  ask: PlacedAsk;
  /** The instructions that hold in the conversation. */
  standing: string | null;
  /** A hash of the question and all that leads to it, which no other has. */
  hash: string;
  /** The stored answer that the input follows, where what follows it is not to be kept. */
  copies?: AnswerPlace;
  elsewhere?: () => Promise<PlacedAsk>;
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
  const { dependencies, principal } = asker.context;
  const turnId = turnIdIn(id);
  const place = await findAnswer(dependencies.db, { turnId, principal });
  if (!place || (place.isTemporary && !asker.remembers(turnId))) throw previousNotFound(id);
  if (place.isTemporary && isKept)
    throw invalid('store', 'store: what follows a response that is not kept cannot be kept');
  const isNew = items.every(({ kind }) => kind !== 'answer');
  const rest = isNew ? items : itemsAfter(items, place.id);
  if (!isNew && lastAnswerIn(items) !== place.id)
    throw invalid('input', 'input: with previous_response_id only what is new may be sent');
  return afterAnswer(place, rest, isKept);
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
  const { id: parentId, conversationId, instructions: standing } = place;
  const parts = partsOf(items);
  const hash = await hashOf(parentId, [parts, items]);
  const attachments = attachmentsOf(items);
  const input = { kind: 'message' as const, parts, parentId, historyHash: hash, attachments };
  const found = { ask: { conversationId, input }, standing, hash };
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
  const found = await readConversation(dependencies.db, { id, principal });
  if (!found) throw notFound('Conversation');
  const last = lastAnswerIn(items);
  const isNew = items.every(({ kind }) => kind !== 'answer');
  if (!isNew && last !== found.headMessageId)
    throw invalid('input', 'input: with a conversation only what is new may be sent');
  const added = isNew ? items : itemsAfter(items, last ?? '');
  const parts = partsOf(added);
  const hash = await hashOf(id, [parts, added]);
  const attachments = attachmentsOf(added);
  const input = { kind: 'message' as const, parts, historyHash: hash, attachments };
  return { ask: { conversationId: id, input }, standing: found.instructions, hash };
}

/** Hashes a message with its place. @param said its parts, and the items that it is made of */
function hashOf(place: string, [parts, items]: [unknown, InputItem[]]): Promise<string> {
  const files = filesOf(items).map(({ key }) => key);
  return sha256(JSON.stringify(files.length === 0 ? [place, parts] : [place, parts, files]));
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
  const found = { ask: place.ask, standing: null, hash: hashes.whole };
  return mayBeKnown ? { ...found, elsewhere: begin } : found;
}
