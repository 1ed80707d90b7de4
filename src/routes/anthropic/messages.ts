/** Anthropic's Messages, on the same conversations as everything else. */
import { z } from '@hono/zod-openapi';
import { anthropicMessage, anthropicMessages } from '../../wire/anthropic-messages.ts';
import { cutOf } from '../../wire/chat-completion.ts';
import { isKnownToThink } from '../../models/chat/parameter-support.ts';
import { clientUserOf, nameClient } from '../shared/client-user.ts';
import type { AppContext } from '../shared/dependencies.ts';
import { historyIn } from '../shared/history-of-items.ts';
import { lineageOf } from '../shared/lineage.ts';
import { placeRequest, type RequestPlace } from '../shared/place-request.ts';
import { runRequest, streamRequest } from '../shared/placed-turn.ts';
import { HAS_NO_CURSORS } from '../shared/response-docs.ts';
import { body, jsonOrStream, turnProblems } from '../shared/responses.ts';
import { route, type Router } from '../shared/router.ts';
import { streamTurn } from '../shared/stream-turn.ts';
import { wholeTurn } from '../shared/whole-turn.ts';
import { asAnthropicErrors, betaQuery } from './docs.ts';
import { itemsIn } from './message-items.ts';
import { messagesBody, parametersIn, type MessagesBody } from './messages-body.ts';
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

async function placeOf(c: AppContext, given: MessagesBody): Promise<RequestPlace> {
  const { model, metadata } = given;
  const { registry } = c.get('dependencies');
  const [first] = await registry.find(model ?? registry.defaultName);
  return placeRequest(c, {
    parameters: parametersIn(given, isKnownToThink(first.name)),
    history: historyIn(itemsIn(given), 'messages'),
    lineage: lineageOf(c),
    clientUser: clientUserOf(c, { metadata }),
    model,
    isStreamed: given.stream === true,
  });
}

async function streamed(c: AppContext, place: RequestPlace): Promise<Response> {
  return streamTurn(c, await streamRequest(c, place, anthropicMessages), anthropicMessages);
}

async function whole(c: AppContext, place: RequestPlace): Promise<Response> {
  const run = await runRequest(c, place);
  const turn = await run.finished(c.req.raw.signal);
  const failure = cutOf(turn);
  if (failure) return anthropicResponse(failure);
  return wholeTurn(c, anthropicMessage(turn.head, turn.message));
}
