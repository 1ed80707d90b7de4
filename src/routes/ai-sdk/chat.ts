/**
 * The API of the AI SDK's chats (`useChat`): post a message, come back to a running answer, stop
 * it. Format: the UI message stream protocol of `ai` 7.
 */
import { z } from '@hono/zod-openapi';
import { userOf } from '../../actions/client-chat.ts';
import { uiMessageStream } from '../../wire/ui-message-stream.ts';
import { nameClient } from '../shared/client-user.ts';
import { actionContext } from '../shared/dependencies.ts';
import { idempotencyKey } from '../shared/idempotency-key.ts';
import { asSentences, body, commonProblems, json, turnProblems } from '../shared/responses.ts';
import { HAS_NO_CURSORS, MAKES_NOTHING, ofTurn } from '../shared/response-docs.ts';
import { createRouter, route, type Router } from '../shared/router.ts';
import * as schemas from '../shared/schemas.ts';
import { streamOrNothing, streamTurn } from '../shared/stream-turn.ts';
import { beginChat, CHAT_PATH, chatOptions, runningTurn } from './begin-chat.ts';
import { chatBody } from './chat-body.ts';
import { resumed } from './resumed.ts';
import { renderSentence } from './render-sentence.ts';

const tags = ['ai-sdk'];
const path = CHAT_PATH;
const request = { params: schemas.idParam, query: schemas.ownerQuery };

const stream = {
  description: 'The answer as a UI message stream',
  content: {
    'text/event-stream': {
      schema: z.string().openapi({ description: 'Chunks of a UI message, then [DONE]' }),
    },
  },
};

export function chatRouter() {
  const router = createRouter({ renderError: renderSentence });
  addPosting(router);
  addResume(router);
  addStop(router);
  return router;
}

function addPosting(router: Router): void {
  route(
    router,
    {
      method: 'post',
      path,
      tags,
      [HAS_NO_CURSORS]: true,
      operationId: 'postUiChat',
      summary: 'Say something in a chat of useChat, or answer again',
      request: { query: schemas.ownerQuery, body: body(chatBody) },
      responses: { 200: ofTurn(stream), ...asSentences(turnProblems) },
    },
    async (c) => {
      const given = c.req.valid('json');
      nameClient(c, { metadata: given['metadata'] });
      const key = await idempotencyKey(c, { scope: userOf(c.get('principal')) });
      const started = await beginChat(actionContext(c), given, key);
      return streamTurn(c, started, uiMessageStream);
    },
    { takesHistory: true },
  );
}

function addResume(router: Router): void {
  route(
    router,
    {
      method: 'get',
      path: `${path}/{id}/stream`,
      tags,
      operationId: 'resumeUiChat',
      summary: 'Follow the running answer of a chat from its start',
      request,
      responses: {
        200: ofTurn(stream),
        204: { description: 'No answer is running' },
        ...asSentences(commonProblems),
      },
    },
    async (c) => {
      nameClient(c, {});
      const context = actionContext(c);
      const running = await runningTurn(context, c.req.valid('param').id);
      const stream = running && (await resumed(context, running, chatOptions({})));
      return streamOrNothing(c, stream, uiMessageStream);
    },
  );
}

const stopped = z
  .object({ stopped: z.boolean(), turn_id: z.string().optional() })
  .openapi('StoppedChat');

function addStop(router: Router): void {
  route(
    router,
    {
      method: 'post',
      path: `${path}/{id}/stop`,
      tags,
      [MAKES_NOTHING]: true,
      operationId: 'stopUiChat',
      summary: 'Stop the running answer of a chat, keeping what it has said',
      request,
      responses: {
        200: json(stopped, 'Whether an answer was running'),
        ...asSentences(commonProblems),
      },
    },
    async (c) => {
      nameClient(c, {});
      const running = await runningTurn(actionContext(c), c.req.valid('param').id);
      if (!running) return c.json({ stopped: false });
      await c.get('dependencies').turns.cancel(running);
      return c.json({ stopped: true, turn_id: running.turnId });
    },
  );
}
