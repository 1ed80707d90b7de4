/** Makes a request for a response one for a turn, at its place. */
import { forkConversation } from '../../actions/change-tree.ts';
import { userOf, type PlacedAsk } from '../../actions/client-chat.ts';
import { madeByFirstTry } from '../../actions/first-try.ts';
import { foundUnread } from '../../actions/unread-turns.ts';
import type { TurnParameters } from '../../core/parameters.ts';
import { sha256 } from '../../core/sha256.ts';
import { findRepeated } from '../../store/turns/find-answer.ts';
import type { TurnAddress } from '../../turns/turn-service.ts';
import { isPlaceTaken, type Placed } from '../shared/or-elsewhere.ts';
import type { ResponseAsker } from './asker.ts';
import { parametersIn, type ResponseBody } from './body.ts';
import { findPlace, type Found } from './find-place.ts';
import { itemsIn, type InputItem } from './input.ts';
import { checkedInstructions, instructionsIn } from './said-in-items.ts';

export interface Asked extends Placed {
  /** False where the conversation of the turn is made for what is not kept. */
  isKept: boolean;
}

/** The turn that a request repeats, or the one that it asks for. */
export type Place = { join: TurnAddress } | Asked;

/**
 * Returns the place of a request. What the model cannot do is refused before anything is kept.
 * @throws ParleyError `invalid_request`, `previous_response_not_found`, `not_found`,
 *   `unknown_model`, `unsupported_parameter`
 */
export async function placeOf(asker: ResponseAsker, given: ResponseBody): Promise<Place> {
  const { context } = asker;
  const { registry } = context.dependencies;
  const request = await sha256(asker.said);
  const parameters = { ...parametersIn(given), request };
  const items = itemsIn(given.input ?? '');
  await registry.find(given.model ?? registry.defaultName, parameters);
  const found = await findPlace(asker, given, items);
  const idempotency = await asker.keyIn(userOf(context.principal), request);
  const join = asker.isRetry && (await findFirst(asker, { hash: found.hash, request }));
  if (join) {
    foundUnread(context, idempotency);
    return { join };
  }
  const rest = {
    model: given.model,
    parameters: withInstructions(parameters, given.instructions, found, items),
    idempotency,
  };
  const { elsewhere, ifWrong } = found;
  const whereFree: Placed['elsewhere'] =
    elsewhere &&
    (async (failure) =>
      isPlaceTaken(failure) ? { ask: { ...(await elsewhere()), ...rest } } : undefined);
  return {
    ask: { ...(await notToKeep(asker, found)), ...rest },
    elsewhere: ifWrong
      ? async (failure) =>
          failure.code === 'not_found'
            ? { ask: { ...(await ifWrong()).ask, ...rest }, elsewhere: whereFree }
            : whereFree?.(failure)
      : whereFree,
    isKept: given.store !== false,
  };
}

/** Finds the turn of the same request, which its client has sent before. */
function findFirst({ context }: ResponseAsker, which: { hash: string; request: string }) {
  const { dependencies, principal } = context;
  return madeByFirstTry(() => findRepeated(dependencies.db, { ...which, principal }));
}

/**
 * Places what is not to be kept. After what is kept it gets a copy of that, which is deleted with
 * it, so that nothing is left whatever happens.
 */
async function notToKeep({ context }: ResponseAsker, { ask, copies }: Found): Promise<PlacedAsk> {
  if (!copies || ask.input.kind !== 'message') return ask;
  const { id: messageId, conversationId } = copies;
  const path = { conversationId, messageId, onBusy: 'reject' as const, isTemporary: true };
  const copy = await forkConversation(context, path);
  return { conversationId: copy.id, input: { ...ask.input, parentId: copy.headMessageId } };
}

/** Adds what the request and its items say to the model, to what holds or in its place. */
function withInstructions(
  parameters: TurnParameters,
  given: string | null | undefined,
  { isStanding }: Found,
  items: readonly InputItem[],
): TurnParameters {
  const said = [given, instructionsIn(items)].filter(Boolean);
  if (said.length === 0) return parameters;
  const instructions = checkedInstructions(said.join('\n\n'));
  return isStanding
    ? { ...parameters, more_instructions: instructions }
    : { ...parameters, instructions };
}
