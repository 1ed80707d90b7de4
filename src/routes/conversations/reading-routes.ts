/** The routes that read conversations, which several APIs share. */
import { z } from '@hono/zod-openapi';
import { requireUserId } from '../../core/principal.ts';
import { listConversations } from '../../store/conversations.ts';
import { conversationView, messageView, type MessageView } from '../../wire/views.ts';
import { answerUiTranscript, formatField, uiTranscript } from '../ai-sdk/ui-transcript.ts';
import { required } from '../shared/required.ts';
import { commonProblems, json, linkNext } from '../shared/responses.ts';
import { paged } from '../shared/response-docs.ts';
import { route, type Router } from '../shared/router.ts';
import { conversationSchema, messageSchema } from '../shared/answer-schemas.ts';
import * as schemas from '../shared/schemas.ts';
import { answerPage, wantsPage } from './conversation-page.ts';
import { readMessages, readNewest } from './read-messages.ts';
import type { RouteBase } from './route-base.ts';

const request = { params: schemas.idParam, query: schemas.ownerQuery };

/** Adds `GET {path}?user_id=`: lists a user's conversations. */
export function addList(router: Router, { path, tags, noun, name }: RouteBase): void {
  const responses = {
    200: paged(json(z.array(conversationSchema), 'Newest first')),
    ...commonProblems,
  };
  route(
    router,
    {
      method: 'get',
      path,
      tags,
      operationId: `list${name}s`,
      summary: `A user’s ${noun.toLowerCase()}s, newest first`,
      request: { query: schemas.pageQuery },
      responses,
    },
    async (c) => {
      const { limit, cursor } = c.req.valid('query');
      const userId = requireUserId(c.get('principal'));
      const page = await listConversations(c.get('dependencies').db, { userId, limit, cursor });
      linkNext(c, page.next);
      return c.json(page.items.map(conversationView));
    },
  );
}

const transcript = conversationSchema
  .extend({ messages: z.array(messageSchema) })
  .openapi('Transcript');

const anyTranscript = z.union([transcript, uiTranscript]).openapi('AnyTranscript');

/** Adds `GET {path}/{id}`: returns a conversation with its messages. */
export function addTranscript(router: Router, { path, tags, name }: RouteBase): void {
  // The page is left out: a generated client would take a text for one of its answers.
  const whole = json(anyTranscript, 'The conversation; a page for browsers');
  const responses = { 200: paged(whole), ...commonProblems };
  route(
    router,
    {
      method: 'get',
      path: `${path}/{id}`,
      tags,
      operationId: `get${name}`,
      summary: 'A conversation with its messages',
      request: { ...request, query: schemas.ownerQuery.extend(formatField) },
      responses,
    },
    async (c) => {
      if (c.req.valid('query').format === 'ui')
        return answerUiTranscript(c, c.req.valid('param').id);
      const found = required(await readNewest(c, c.req.valid('param').id), 'Conversation');
      c.res.headers.append('Vary', 'Accept');
      if (wantsPage(c)) return answerPage(c, found);
      return c.json({
        ...conversationView(found.conversation),
        messages: found.messages.map(messageView),
      });
    },
  );
}

/** Adds `GET {path}/{id}/messages`: returns a page of messages, each as `view` renders it. */
export function addMessages(
  router: Router,
  { path, tags, name }: RouteBase,
  view: (message: MessageView) => MessageView = (message) => message,
): void {
  const responses = {
    200: paged(json(z.array(messageSchema), 'Oldest first')),
    ...commonProblems,
  };
  const query = schemas.messagePageQuery;
  route(
    router,
    {
      method: 'get',
      path: `${path}/{id}/messages`,
      tags,
      operationId: `list${name}Messages`,
      summary: 'The messages of the active path, or of all branches, oldest first',
      request: { ...request, query },
      responses,
    },
    async (c) => {
      const { limit, cursor, tree } = c.req.valid('query');
      const slice = { limit, after: Number(cursor ?? 0), tree: tree === 'true' };
      const found = required(await readMessages(c, c.req.valid('param').id, slice), 'Conversation');
      c.res.headers.append('Vary', 'Accept');
      if (!slice.tree && wantsPage(c)) return answerPage(c, found, slice.after);
      linkNext(c, found.more ? (found.messages.at(-1)?.sequenceNumber ?? null) : null);
      return c.json(found.messages.map((message) => view(messageView(message))));
    },
  );
}
