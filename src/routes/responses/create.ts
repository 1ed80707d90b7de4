/** `POST /v1/responses`: a turn as OpenAI's clients ask for it by their newer API. */
import { forgetAfterwards } from '../../actions/forget-turn.ts';
import { contentOf } from '../../core/parts.ts';
import { readTurn } from '../../store/turns/read.ts';
import type { TurnAddress, TurnStream } from '../../turns/turn-service.ts';
import { responseEvents } from '../../wire/responses/events.ts';
import { responseResource } from '../../wire/responses/resource.ts';
import { BrokenOff } from '../../wire/wire.ts';
import { asOpenAiErrors } from '../openai/docs.ts';
import { openAiResponse } from '../openai/render-openai-error.ts';
import { openAiTurnHeaders } from '../openai/turn-headers.ts';
import { nameClient } from '../shared/client-user.ts';
import { actionContext, type AppContext } from '../shared/dependencies.ts';
import { runPlaced, streamPlaced } from '../shared/placed-turn.ts';
import { required } from '../shared/required.ts';
import { HAS_NO_CURSORS } from '../shared/response-docs.ts';
import { body, jsonOrStream, turnProblems } from '../shared/responses.ts';
import { route, type Router } from '../shared/router.ts';
import * as schemas from '../shared/schemas.ts';
import { streamTurn } from '../shared/stream-turn.ts';
import { wholeTurn } from '../shared/whole-turn.ts';
import { askerOf } from './asker.ts';
import { refuseOthers, responseBody } from './body.ts';
import { noteResponse } from './known-responses.ts';
import { placeOf, type Place } from './place-response.ts';
import { responseSchema } from './schemas.ts';

export function addCreation(router: Router): void {
  route(
    router,
    {
      method: 'post',
      path: '/v1/responses',
      tags: ['openai'],
      [HAS_NO_CURSORS]: true,
      operationId: 'createResponse',
      summary: 'Answer an input',
      request: { query: schemas.ownerQuery, body: body(responseBody) },
      responses: {
        200: jsonOrStream(responseSchema, 'The response'),
        ...asOpenAiErrors(turnProblems),
      },
    },
    async (c) => {
      const given = c.req.valid('json');
      refuseOthers(given);
      nameClient(c, given);
      const place = await placeOf(await askerOf(c, given), given);
      if (given.stream) return streamed(c, place);
      return given.background ? begun(c, place) : whole(c, place);
    },
    { takesHistory: true },
  );
}

async function streamed(c: AppContext, place: Place): Promise<Response> {
  const stream = await streamOf(c, place);
  return streamTurn(c, stream, responseEvents(), openAiTurnHeaders(stream));
}

async function streamOf(c: AppContext, place: Place): Promise<TurnStream> {
  const stream = await streamPlaced(c, place, responseEvents());
  noteResponse(place, stream);
  forget(c, place, stream);
  return stream;
}

/** Answers as soon as the turn is accepted. Its client comes back for the rest. */
async function begun(c: AppContext, place: Place): Promise<Response> {
  const stream = await streamOf(c, place);
  stream.leave();
  c.set('turn', stream);
  const { db, config } = c.get('dependencies');
  const { turnId } = stream;
  const principal = c.get('principal');
  const turn = await readTurn(db, { turnId, principal, leaseMs: config.TURN_LEASE_MS });
  const { head, ...outcome } = required(turn, 'Response');
  return c.json(responseResource(head, outcome), 200, openAiTurnHeaders(stream));
}

async function whole(c: AppContext, place: Place): Promise<Response> {
  const run = await runPlaced(c, place);
  noteResponse(place, run);
  forget(c, place, run);
  const { head, message, error, limits } = await run.finished(c.req.raw.signal);
  if (error?.code === 'not_stored') throw new BrokenOff();
  c.set('turnHeaders', openAiTurnHeaders({ ...head, limits }));
  if (error && contentOf(message.parts) === '') return openAiResponse(error);
  return wholeTurn(c, responseResource(head, { message, error }));
}

function forget(c: AppContext, place: Place, turn: TurnAddress): void {
  if ('join' in place || place.isKept) return;
  forgetAfterwards(actionContext(c), turn);
}
