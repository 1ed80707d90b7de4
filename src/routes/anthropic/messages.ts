/** Anthropic's Messages, on the same conversations as everything else. */
import { z } from '@hono/zod-openapi';
import { userOf, withUser, type PlacedAsk } from '../../actions/client-chat.ts';
import { beginHistory, hashesOf, placeHistory, type Placing } from '../../actions/place-history.ts';
import type { TurnAsk } from '../../actions/start-turn.ts';
import { sha256 } from '../../core/sha256.ts';
import { anthropicMessage, anthropicMessages } from '../../wire/anthropic-messages.ts';
import { cutOf } from '../../wire/chat-completion.ts';
import { clientUserOf, nameClient } from '../shared/client-user.ts';
import { actionContext, type AppContext } from '../shared/dependencies.ts';
import { historyIn } from '../shared/history-of-items.ts';
import { idempotencyKey } from '../shared/idempotency-key.ts';
import { isPlaceTaken } from '../shared/or-elsewhere.ts';
import { runPlaced, streamPlaced, type Place } from '../shared/placed-turn.ts';
import { HAS_NO_CURSORS } from '../shared/response-docs.ts';
import { body, jsonOrStream, turnProblems } from '../shared/responses.ts';
import { route, type Router } from '../shared/router.ts';
import { streamTurn } from '../shared/stream-turn.ts';
import { asAnthropicErrors, betaQuery } from './docs.ts';
import { itemsIn, messagesBody, parametersIn, type MessagesBody } from './messages-body.ts';
import { anthropicResponse } from './render-anthropic-error.ts';

const answer = z
  .looseObject({
    id: z.string(),
    type: z.literal('message'),
    role: z.literal('assistant'),
    model: z.string(),
    content: z.array(z.looseObject({ type: z.string() })),
    stop_reason: z.string().nullable(),
    usage: z.looseObject({ input_tokens: z.int(), output_tokens: z.int() }),
  })
  .openapi('AnthropicMessage');

export function addMessages(router: Router): void {
  route(
    router,
    {
      method: 'post',
      path: '/v1/messages',
      tags: ['anthropic'],
      [HAS_NO_CURSORS]: true,
      operationId: 'createMessage',
      summary: 'Answer the last message of a history',
      request: { query: betaQuery, body: body(messagesBody) },
      responses: { 200: jsonOrStream(answer, 'The answer'), ...asAnthropicErrors(turnProblems) },
    },
    async (c) => {
      const given = c.req.valid('json');
      nameClient(c, { metadata: given.metadata });
      const place = await placeOf(c, given);
      return given.stream ? streamed(c, place) : whole(c, place);
    },
    { takesHistory: true },
  );
}

/** Finds where the history belongs, by what it says. */
async function placeOf(c: AppContext, given: MessagesBody): Promise<Place> {
  const { registry } = c.get('dependencies');
  const { model, metadata } = given;
  const parameters = { ...parametersIn(given), request: await sha256(await c.req.text()) };
  const name = model ?? registry.defaultName;
  await registry.discover(name);
  registry.resolve(name, parameters);
  const context = withUser(actionContext(c));
  const userId = userOf(context.principal);
  const history = historyIn(itemsIn(given), 'messages');
  const hashes = await hashesOf(history, { userId, clientUser: clientUserOf(c, { metadata }) });
  const isRetry = Number(c.req.header('x-stainless-retry-count') ?? 0) > 0;
  const retry = isRetry ? { retryOf: parameters.request } : {};
  const placing: Placing = { ...history, userId, hashes, create: {}, ...retry };
  const place = await placeHistory(context, placing);
  if ('join' in place) return place;
  const idempotency = await idempotencyKey(c, { scope: userId });
  const complete = (ask: PlacedAsk): TurnAsk => ({ ...ask, model, parameters, idempotency });
  return {
    ask: complete(place.ask),
    elsewhere: async (failure) =>
      isPlaceTaken(failure) ? complete(await beginHistory(context, placing)) : undefined,
  };
}

async function streamed(c: AppContext, place: Place): Promise<Response> {
  const stream = await streamPlaced(c, place, anthropicMessages, ofItsUser);
  return streamTurn(c, stream, anthropicMessages);
}

async function whole(c: AppContext, place: Place): Promise<Response> {
  const run = await runPlaced(c, place, ofItsUser);
  const turn = await run.finished(c.req.raw.signal);
  const failure = cutOf(turn);
  if (failure) return anthropicResponse(failure);
  return c.json(anthropicMessage(turn.head, turn.message));
}

/** These clients name no conversation: what a history belongs to is its user's. */
function ofItsUser(c: AppContext) {
  return withUser(actionContext(c));
}
