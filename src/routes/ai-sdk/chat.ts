/**
 * The API of the AI SDK's chats (`useChat`): post a message, come back to a running answer, stop
 * it. Format: the UI message stream protocol of `ai` 7.
 */
import { z } from '@hono/zod-openapi';
import type { ChatTrigger } from '../../actions/chat-trigger.ts';
import { findChat, startInChat, userOf } from '../../actions/client-chat.ts';
import { startTurn } from '../../actions/start-turn.ts';
import { sha256 } from '../../core/sha256.ts';
import { findRunningTurn } from '../../store/client-ids.ts';
import type { Key } from '../../store/idempotency-keys.ts';
import { uiMessageStream } from '../../wire/ui-message-stream.ts';
import { streamOptions } from '../shared/answer-turn.ts';
import { nameClient } from '../shared/client-user.ts';
import { actionContext, type AppContext } from '../shared/dependencies.ts';
import { idempotencyKey } from '../shared/idempotency-key.ts';
import { asSentences, body, commonProblems, json, turnProblems } from '../shared/responses.ts';
import { HAS_NO_CURSORS, MAKES_NOTHING, ofTurn } from '../shared/response-docs.ts';
import { required } from '../shared/required.ts';
import { createRouter, route, type Router } from '../shared/router.ts';
import * as schemas from '../shared/schemas.ts';
import { streamOrNothing, streamTurn } from '../shared/stream-turn.ts';
import { chatBody, triggerOf, type ChatBody } from './chat-body.ts';
import { chatParameters } from './chat-parameters.ts';
import { resumed } from './resumed.ts';
import { renderSentence } from './render-sentence.ts';

const tags = ['ai-sdk'];
const path = '/api/chat';
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
      const trigger = triggerOf(given);
      const idempotency = await keyOf(c, given, trigger);
      const { model, on_busy: onBusy, mode, instructions } = given;
      const parameters = chatParameters(given);
      const chat = { chatId: given.id, trigger, create: { mode, instructions } };
      const options = optionsOf(given);
      const started = await startInChat(actionContext(c), chat, {
        start: (context, ask) =>
          startTurn(context, { ...ask, model, parameters, onBusy, idempotency }, options),
        // Without a cursor there is always something to follow.
        join: async (turn) =>
          required(await c.get('dependencies').turns.follow(turn, options), 'Turn'),
      });
      return streamTurn(c, started, uiMessageStream);
    },
    { takesHistory: true },
  );
}

function optionsOf(fields: Pick<ChatBody, 'on_disconnect'>) {
  return streamOptions(uiMessageStream, fields);
}

/**
 * Returns the key under which a repeated submission finds the turn of the first one: the chat, the
 * message and what it says. Another try has none, nor has answering again: two requests for it are
 * two answers.
 */
async function keyOf(
  c: AppContext,
  { id }: ChatBody,
  trigger: ChatTrigger,
): Promise<Key | undefined> {
  const scope = userOf(c.get('principal'));
  const given = await idempotencyKey(c, { scope });
  if (given || trigger.kind === 'regenerate') return given;
  if (trigger.kind === 'submit' && trigger.isAgain) return undefined;
  const message = trigger.kind === 'submit' ? trigger.messageId : trigger.answerId;
  const fingerprint = await sha256(JSON.stringify([id, trigger.kind, message, trigger.parts]));
  return { scope, key: `${path} ${fingerprint}`, fingerprint };
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
      const running = await runningTurn(c, c.req.valid('param').id);
      const stream = running && (await resumed(c, running, optionsOf({})));
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
      const running = await runningTurn(c, c.req.valid('param').id);
      if (!running) return c.json({ stopped: false });
      await c.get('dependencies').turns.cancel(running);
      return c.json({ stopped: true, turn_id: running.turnId });
    },
  );
}

/** Finds the turn that runs in a chat; a chat that is not there has none. */
async function runningTurn(c: AppContext, chatId: string) {
  nameClient(c, {});
  const conversationId = await findChat(actionContext(c), chatId);
  if (conversationId === undefined) return undefined;
  const { db } = c.get('dependencies');
  const found = await findRunningTurn(db, { conversationId, principal: c.get('principal') });
  return found && { ...found, conversationId };
}
