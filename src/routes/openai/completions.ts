/** OpenAI's chat completions, on the same conversations as everything else. */
import { z } from '@hono/zod-openapi';
import { forgetAfterwards } from '../../actions/forget-turn.ts';
import type { TurnAddress } from '../../turns/turn-service.ts';
import {
  chatCompletion,
  completionChunks,
  completionChunksWithUsage,
  cutOf,
} from '../../wire/chat-completion.ts';
import { actionContext, type AppContext } from '../shared/dependencies.ts';
import { body, jsonOrStream, turnProblems } from '../shared/responses.ts';
import { runPlaced, streamPlaced } from '../shared/placed-turn.ts';
import { HAS_NO_CURSORS } from '../shared/response-docs.ts';
import { route, type Router } from '../shared/router.ts';
import * as schemas from '../shared/schemas.ts';
import { streamTurn } from '../shared/stream-turn.ts';
import { nameClient } from '../shared/client-user.ts';
import { asOpenAiErrors } from './docs.ts';
import { completionBody, refuseUnhonoured, type CompletionBody } from './completion-body.ts';
import { placeOf, type Place } from './place-completion.ts';
import { openAiResponse } from './render-openai-error.ts';

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
      refuseUnhonoured(given);
      nameClient(c, given);
      const place = await placeOf(c, given);
      return given.stream ? streamed(c, given, place) : whole(c, place);
    },
    { takesHistory: true },
  );
}

async function streamed(c: AppContext, given: CompletionBody, place: Place): Promise<Response> {
  const wire = given.stream_options?.include_usage ? completionChunksWithUsage : completionChunks;
  const stream = await streamPlaced(c, place, wire);
  forgetTask(c, place, stream);
  return streamTurn(c, stream, wire);
}

async function whole(c: AppContext, place: Place): Promise<Response> {
  const run = await runPlaced(c, place);
  forgetTask(c, place, run);
  const turn = await run.finished(c.req.raw.signal);
  const failure = cutOf(turn);
  if (failure) return openAiResponse(failure);
  return c.json(chatCompletion(turn.head, turn.message));
}

function forgetTask(c: AppContext, place: Place, turn: TurnAddress): void {
  if ('ask' in place && place.isTask) forgetAfterwards(actionContext(c), turn);
}
