/** `POST /v1/responses/compact`: a conversation as a summary, from which it can be gone on with. */
import { z } from '@hono/zod-openapi';
import { forgetAfterwards } from '../../actions/forget-turn.ts';
import { ParleyError } from '../../core/errors.ts';
import type { FinishedTurn } from '../../core/message.ts';
import { contentOf } from '../../core/parts.ts';
import { compactionResource } from '../../wire/responses/compaction.ts';
import { BrokenOff } from '../../wire/wire.ts';
import { asOpenAiErrors } from '../openai/docs.ts';
import { nameClient } from '../shared/client-user.ts';
import { actionContext, type AppContext } from '../shared/dependencies.ts';
import { runPlaced } from '../shared/placed-turn.ts';
import { body, json, turnProblems } from '../shared/responses.ts';
import { route, type Router } from '../shared/router.ts';
import * as schemas from '../shared/schemas.ts';
import { refuseUnhonoured, type Unhonoured } from '../shared/unhonoured.ts';
import { askerOf } from './asker.ts';
import { responseBody, type ResponseBody } from './body.ts';
import { placeOf } from './place-response.ts';
import { compactionSchema } from './schemas.ts';

const { input, previous_response_id, instructions, user, metadata, prompt_cache_key } =
  responseBody.shape;

const compactBody = z
  .looseObject({
    model: schemas.modelName,
    ...{ input, previous_response_id, instructions, user, metadata, prompt_cache_key },
  })
  .openapi('CompactRequest');

type CompactBody = z.output<typeof compactBody>;

/** Fields that change the answer and that we do not honour, with the values that change nothing. */
const NOT_HONOURED: Unhonoured = { service_tier: ['auto', 'default'] };

/** The last message of the conversation that the model is sent. */
const TASK = [
  'Summarize our conversation so far, so that somebody who reads only your summary can go on with',
  'it. Keep every fact, name, number, decision, preference and result of a tool that may matter',
  'later, and say what was asked last and what is still to do. Write in the language of the',
  'conversation. Answer with the summary alone.',
].join(' ');

export function addCompaction(router: Router): void {
  route(
    router,
    {
      method: 'post',
      path: '/v1/responses/compact',
      tags: ['openai'],
      operationId: 'compactResponse',
      summary: 'Sum up a conversation, to go on with less',
      request: { query: schemas.ownerQuery, body: body(compactBody) },
      responses: { 200: json(compactionSchema, 'The summary'), ...asOpenAiErrors(turnProblems) },
    },
    async (c) => {
      const given = c.req.valid('json');
      nameClient(c, given);
      const turn = await sumUp(c, given);
      return c.json(compactionResource(turn.head, turn.message));
    },
    { takesHistory: true },
  );
}

/** Asks the model for the summary, by a turn that is not kept. */
async function sumUp(c: AppContext, given: CompactBody): Promise<FinishedTurn> {
  refuseUnhonoured(given, NOT_HONOURED);
  const { model, previous_response_id: previous, instructions: said } = given;
  const asked: ResponseBody = {
    ...{ model, previous_response_id: previous, instructions: said },
    ...{ user: given.user, metadata: given.metadata, prompt_cache_key: given.prompt_cache_key },
    input: [...itemsOf(given), { type: 'message', role: 'user', content: TASK }],
    store: false,
    tool_choice: 'none',
  };
  const run = await runPlaced(c, await placeOf(await askerOf(c, asked), asked));
  forgetAfterwards(actionContext(c), run);
  const turn = await run.finished(c.req.raw.signal);
  requireWhole(turn);
  return turn;
}

function itemsOf({ input: said, previous_response_id: previous }: CompactBody) {
  if (typeof said === 'string') return [{ type: 'message', role: 'user' as const, content: said }];
  if (said) return said;
  if (previous) return [];
  const errors = [{ path: 'input', message: 'is required' }];
  throw new ParleyError({ code: 'invalid_request', detail: 'input is required', errors });
}

/** A summary that was cut would lose what it should keep. */
function requireWhole({ message, error }: FinishedTurn): void {
  if (error?.code === 'not_stored') throw new BrokenOff();
  if (error) throw new ParleyError(error);
  if (message.status === 'complete' && contentOf(message.parts) !== '') return;
  throw new ParleyError({ code: 'model_error', detail: 'The model did not write a whole summary' });
}
