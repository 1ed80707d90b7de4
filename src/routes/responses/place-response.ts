/** Finds where a response belongs: after another, in a conversation, or where its history says. */
import { userOf, withUser, type PlacedAsk } from '../../actions/client-chat.ts';
import type { ActionContext } from '../../actions/context.ts';
import { beginHistory, hashesOf, placeHistory, type Placing } from '../../actions/place-history.ts';
import { invalid, notFound, ParleyError } from '../../core/errors.ts';
import type { TurnParameters } from '../../core/parameters.ts';
import { sha256 } from '../../core/sha256.ts';
import { readConversation } from '../../store/conversations.ts';
import { findAnswer, findRepeated, type AnswerPlace } from '../../store/turns/find-answer.ts';
import type { TurnAddress } from '../../turns/turn-service.ts';
import { conversationIdIn, turnIdIn } from '../../wire/responses/ids.ts';
import { clientUserOf } from '../shared/client-user.ts';
import { actionContext, type AppContext } from '../shared/dependencies.ts';
import { idempotencyKey } from '../shared/idempotency-key.ts';
import { historyIn } from '../shared/history-of-items.ts';
import { isPlaceTaken, type Placed } from '../shared/or-elsewhere.ts';
import * as schemas from '../shared/schemas.ts';
import { parametersIn, type ResponseBody } from './body.ts';
import {
  attachmentsOf,
  filesOf,
  instructionsIn,
  itemsAfter,
  itemsIn,
  lastAnswerIn,
  partsOf,
} from './input.ts';
import type { InputItem } from './input.ts';

/** What becomes of a turn that is not to be kept: its conversation, or its branch, is deleted. */
export type Forgets = 'conversation' | 'branch' | undefined;

export interface Asked extends Placed {
  forgets: Forgets;
}

/** The turn that a request repeats, or the one that it asks for. */
export type Place = { join: TurnAddress } | Asked;

/** A place, before what is asked of the model is added. */
interface Found {
  ask: PlacedAsk;
  /** The instructions that hold in the conversation. */
  standing: string | null;
  /** What tells the question, with all that leads to it, from all others. */
  hash: string;
  isNew: boolean;
  elsewhere?: () => Promise<PlacedAsk>;
}

/**
 * Returns the place of a request. What the model cannot do is refused before anything is kept.
 * @throws ParleyError `invalid_request`, `previous_response_not_found`, `not_found`,
 *   `unknown_model`, `unsupported_parameter`
 */
export async function placeOf(c: AppContext, given: ResponseBody): Promise<Place> {
  const { registry, db } = c.get('dependencies');
  const request = await sha256(await c.req.text());
  const parameters = { ...parametersIn(given), request };
  const items = itemsIn(given.input ?? '');
  await registry.find(given.model ?? registry.defaultName, parameters);
  const found = await find(c, given, items);
  const principal = c.get('principal');
  const isRetry = Number(c.req.header('x-stainless-retry-count') ?? 0) > 0;
  const join = isRetry && (await findRepeated(db, { hash: found.hash, request, principal }));
  if (join) return { join };
  const idempotency = await idempotencyKey(c, { scope: userOf(principal) });
  const rest = {
    model: given.model,
    parameters: withInstructions(parameters, given.instructions, found.standing, items),
    idempotency,
  };
  const { elsewhere, isNew } = found;
  return {
    ask: { ...found.ask, ...rest },
    elsewhere:
      elsewhere &&
      (async (failure) =>
        isPlaceTaken(failure) ? { ...(await elsewhere()), ...rest } : undefined),
    forgets: given.store === false ? (isNew ? 'conversation' : 'branch') : undefined,
  };
}

function find(c: AppContext, given: ResponseBody, items: InputItem[]): Promise<Found> {
  const { previous_response_id: previous, conversation } = given;
  if (previous && conversation)
    throw invalid('conversation', 'conversation and previous_response_id exclude each other');
  if (previous) return afterResponse(c, previous, items);
  if (conversation) return inConversation(c, given, items);
  return afterHistory(c, given, items);
}

async function afterResponse(c: AppContext, id: string, items: InputItem[]): Promise<Found> {
  const { db } = c.get('dependencies');
  const principal = c.get('principal');
  const place = await findAnswer(db, { turnId: turnIdIn(id), principal });
  if (!place) throw previousNotFound(id);
  const isNew = items.every(({ kind }) => kind !== 'answer');
  const rest = isNew ? items : itemsAfter(items, place.id);
  if (!isNew && lastAnswerIn(items) !== place.id)
    throw invalid('input', 'input: with previous_response_id only what is new may be sent');
  return afterAnswer(place, rest);
}

function previousNotFound(id: string): ParleyError {
  const detail = `Previous response with id '${id}' not found.`;
  const errors = [{ path: 'previous_response_id', message: detail }];
  return new ParleyError({ code: 'previous_response_not_found', detail, errors });
}

async function afterAnswer(place: AnswerPlace, items: InputItem[]): Promise<Found> {
  const { id: parentId, conversationId, instructions: standing } = place;
  const parts = partsOf(items);
  const hash = await hashOf(parentId, [parts, items]);
  const attachments = attachmentsOf(items);
  const input = { kind: 'message' as const, parts, parentId, historyHash: hash, attachments };
  return { ask: { conversationId, input }, standing, hash, isNew: false };
}

async function inConversation(
  c: AppContext,
  { conversation, store }: ResponseBody,
  items: InputItem[],
): Promise<Found> {
  if (store === false)
    throw invalid('store', 'store: false does not go with a conversation, which keeps its items');
  const named = typeof conversation === 'string' ? conversation : (conversation?.id ?? '');
  const { db } = c.get('dependencies');
  const id = conversationIdIn(named);
  const found = await readConversation(db, { id, principal: c.get('principal') });
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
  return { ask: { conversationId: id, input }, standing: found.instructions, hash, isNew: false };
}

/** What a message says at a place. @param said its parts, and the items that it is made of */
function hashOf(place: string, [parts, items]: [unknown, InputItem[]]): Promise<string> {
  const files = filesOf(items).map(({ key }) => key);
  return sha256(JSON.stringify(files.length === 0 ? [place, parts] : [place, parts, files]));
}

/** Goes on after the answer whose id the history has, or places the history by what it says. */
async function afterHistory(
  c: AppContext,
  given: ResponseBody,
  items: InputItem[],
): Promise<Found> {
  const { db } = c.get('dependencies');
  const messageId = lastAnswerIn(items);
  const principal = c.get('principal');
  const place = messageId && (await findAnswer(db, { messageId, principal }));
  if (place) return afterAnswer(place, itemsAfter(items, place.id));
  return byWords(withUser(actionContext(c)), clientUserOf(c, given), items, given.store !== false);
}

async function byWords(
  context: ActionContext,
  clientUser: string | undefined,
  items: InputItem[],
  isKept: boolean,
): Promise<Found> {
  const userId = userOf(context.principal);
  const history = historyIn(items, 'input');
  const standing = instructionsIn(items);
  const hashes = await hashesOf(history, { userId, clientUser });
  const create = {
    isTemporary: !isKept,
    ...(standing === '' ? {} : { instructions: checked(standing) }),
  };
  const placing: Placing = { ...history, userId, hashes, create };
  const begin = () => beginHistory(context, placing);
  // What is said first begins a conversation each time, and so does what is not kept.
  const mayBeKnown = isKept && history.before.length > 0;
  const place = mayBeKnown ? await placeHistory(context, placing) : { ask: await begin() };
  if ('join' in place) throw new TypeError('only a retry is joined');
  const isNew = !mayBeKnown;
  const found = { ask: place.ask, standing: null, hash: hashes.whole, isNew };
  return mayBeKnown ? { ...found, elsewhere: begin } : found;
}

/** Adds what the request, the conversation and the items say to the model. */
function withInstructions(
  parameters: TurnParameters,
  given: string | null | undefined,
  standing: string | null,
  items: readonly InputItem[],
): TurnParameters {
  const said = [given, standing, instructionsIn(items)].filter(Boolean);
  return said.length === 0
    ? parameters
    : { ...parameters, instructions: checked(said.join('\n\n')) };
}

function checked(text: string): string {
  const parsed = schemas.instructions.safeParse(text);
  if (parsed.success) return parsed.data;
  throw invalid('instructions', 'instructions: all that is said to the model there is too long');
}
