/** Finds where a request belongs whose client sends the whole history with it. */
import { userOf, withUser } from '../../actions/client-chat.ts';
import type { ActionContext } from '../../actions/context.ts';
import {
  beginHistory,
  hashesOf,
  placeHistory,
  repeatedIn,
  type History,
  type Placing,
} from '../../actions/place-history.ts';
import { placeInChat, placeInConversation } from '../../actions/place-lineage.ts';
import type { TurnAsk } from '../../actions/start-turn.ts';
import { foundUnread } from '../../actions/unread-turns.ts';
import type { Failure } from '../../core/errors.ts';
import type { TurnParameters } from '../../core/parameters.ts';
import { sha256 } from '../../core/sha256.ts';
import type { TurnAddress } from '../../turns/turn-service.ts';
import { actionContext, type AppContext } from './dependencies.ts';
import { idempotencyKey, isRetry, keyOrUnread } from './idempotency-key.ts';
import type { Lineage } from './lineage.ts';
import { isAnsweredBefore, isPlaceTaken, type Placed } from './or-elsewhere.ts';

/** A request as its API has read it. */
export interface HistoryRequest {
  history: History;
  lineage: Lineage;
  /** The client's own word for its user. */
  clientUser: string | undefined;
  model: string | null | undefined;
  parameters: TurnParameters;
  /** True where the answer is to come as a stream, whose client hears of its turn at once. */
  isStreamed: boolean;
}

export interface Asked extends Placed {
  /** True for what a client asks for itself, such as a title: it is answered and not kept. */
  isTask: boolean;
}

/** The turn that a request repeats, or the one that it asks for. */
export type RequestPlace = { join: TurnAddress } | Asked;

/**
 * Returns the place of a request. What the model cannot do is refused before anything is kept.
 * @throws ParleyError `invalid_request`, `unknown_model`, `unsupported_parameter`, `not_found`
 */
export async function placeRequest(c: AppContext, given: HistoryRequest): Promise<RequestPlace> {
  const { model, lineage, history, clientUser } = given;
  const { registry } = c.get('dependencies');
  const parameters = { ...given.parameters, request: await sha256(await c.req.text()) };
  await registry.find(model ?? registry.defaultName, parameters);
  const context = withUser(actionContext(c));
  const userId = userOf(context.principal);
  const placing: Placing = {
    ...history,
    userId,
    hashes: await hashesOf(history, { userId, clientUser }),
    create: { isTemporary: lineage.isTask },
    ...(isRetry(c) ? { retryOf: parameters.request } : {}),
  };
  const { request } = parameters;
  const said = [clientUser, lineage];
  const idempotency = given.isStreamed
    ? await idempotencyKey(c, { scope: userId })
    : await keyOrUnread(c, { scope: userId, request, said });
  const { answerId: answerClientId } = lineage;
  const complete = (ask: Pick<TurnAsk, 'conversationId' | 'create' | 'input'>): TurnAsk => ({
    ...ask,
    model,
    parameters,
    answerClientId,
    idempotency,
  });
  const place = await find(context, actionContext(c), placing, lineage);
  if ('join' in place) {
    foundUnread(context, idempotency);
    return place;
  }
  const elsewhere = async (failure: Failure) =>
    isTaken(failure, lineage) ? { ask: complete(await beginHistory(context, placing)) } : undefined;
  const { ask, ifWrong } = place;
  const right = async (failure: Failure) =>
    failure.code === 'not_found' && ifWrong
      ? { ask: complete((await ifWrong()).ask), elsewhere }
      : elsewhere(failure);
  return { ask: complete(ask), isTask: lineage.isTask, elsewhere: right };
}

/**
 * Tells whether a failure says that the place is taken: by a turn that runs there, or by what has
 * answered the same calls before.
 */
function isTaken(failure: Failure, { chatId, conversationId }: Lineage): boolean {
  if (conversationId !== undefined) return false;
  return chatId === undefined ? isPlaceTaken(failure) : isAnsweredBefore(failure);
}

async function find(
  maker: ActionContext,
  context: ActionContext,
  placing: Placing,
  { chatId, conversationId, isTask, ...names }: Lineage,
) {
  if (isTask)
    return (
      (await repeatedIn(context, undefined, placing)) ?? { ask: await beginHistory(maker, placing) }
    );
  if (conversationId !== undefined) return placeInConversation(context, conversationId, placing);
  if (chatId !== undefined) return placeInChat(context, { chatId, ...names }, placing);
  return placeHistory(maker, placing);
}
