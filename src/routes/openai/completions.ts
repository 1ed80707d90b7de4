/** OpenAI's chat completions, on the same conversations as everything else. */
import { z } from '@hono/zod-openapi';
import {
  chatCompletion,
  completionChunks,
  completionChunksWithUsage,
  cutOf,
} from '../../wire/chat-completion.ts';
import type { AppContext } from '../shared/dependencies.ts';
import { body, jsonOrStream, turnProblems } from '../shared/responses.ts';
import { placeRequest, type RequestPlace } from '../shared/place-request.ts';
import { runRequest, streamRequest } from '../shared/placed-turn.ts';
import { HAS_NO_CURSORS } from '../shared/response-docs.ts';
import { route, type Router } from '../shared/router.ts';
import * as schemas from '../shared/schemas.ts';
import { streamTurn } from '../shared/stream-turn.ts';
import { refuseUnhonoured } from '../shared/unhonoured.ts';
import { clientUserOf, nameClient } from '../shared/client-user.ts';
import { wholeTurn } from '../shared/whole-turn.ts';
import { asOpenAiErrors } from './docs.ts';
import {
  completionBody,
  NOT_HONOURED,
  parametersIn,
  type CompletionBody,
} from './completion-body.ts';
import { historyIn } from './completion-history.ts';
import { completionLineage } from './completion-lineage.ts';
import { openAiResponse } from './render-openai-error.ts';
import { openAiTurnHeaders } from './turn-headers.ts';

const completion = z
  .looseObject({
    id: z.string(),
    object: z.literal('chat.completion'),
    created: z.int(),
    model: z.string(),
    choices: z.array(z.looseObject({ index: z.int(), finish_reason: z.string() })),
    usage: z.looseObject({ prompt_tokens: z.int(), completion_tokens: z.int() }),
  })
  .openapi('ChatCompletion');

/** Adds `POST /v1/chat/completions`. */
export function addCompletions(router: Router): void {
  route(
    router,
    {
      method: 'post',
      path: '/v1/chat/completions',
      tags: ['openai'],
      [HAS_NO_CURSORS]: true,
      operationId: 'createChatCompletion',
      summary: 'Answer the last message of a history',
      request: { query: schemas.ownerQuery, body: body(completionBody) },
      responses: { 200: jsonOrStream(completion, 'The answer'), ...asOpenAiErrors(turnProblems) },
    },
    async (c) => {
      const given = c.req.valid('json');
      refuseUnhonoured(given, NOT_HONOURED);
      nameClient(c, given);
      const place = await placeOf(c, given);
      return given.stream ? streamed(c, given, place) : whole(c, place);
    },
    { takesHistory: true },
  );
}

function placeOf(c: AppContext, given: CompletionBody): Promise<RequestPlace> {
  return placeRequest(c, {
    parameters: parametersIn(given),
    history: historyIn(given.messages),
    lineage: completionLineage(c, given),
    clientUser: clientUserOf(c, given),
    model: given.model,
    isStreamed: given.stream === true,
  });
}

async function streamed(
  c: AppContext,
  given: CompletionBody,
  place: RequestPlace,
): Promise<Response> {
  const wire = given.stream_options?.include_usage ? completionChunksWithUsage : completionChunks;
  const stream = await streamRequest(c, place, wire);
  return streamTurn(c, stream, wire, openAiTurnHeaders(stream));
}

async function whole(c: AppContext, place: RequestPlace): Promise<Response> {
  const run = await runRequest(c, place);
  const turn = await run.finished(c.req.raw.signal);
  c.set('turnHeaders', openAiTurnHeaders({ ...turn.head, limits: turn.limits }));
  const failure = cutOf(turn);
  if (failure) return openAiResponse(failure);
  return wholeTurn(c, chatCompletion(turn.head, turn.message));
}
