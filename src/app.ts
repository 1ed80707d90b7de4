/** The app: its routers, and what holds for every one of them. It knows no runtime. */
import { OpenAPIHono } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import { refuseForeignHost } from './auth/origin.ts';
import { notFound } from './core/errors.ts';
import { chatConversationsRouter } from './routes/conversations/chat-conversations.ts';
import { chatsRouter } from './routes/conversations/chats.ts';
import { conversationsRouter } from './routes/conversations/conversations.ts';
import { shortConversationsRouter } from './routes/conversations/short-conversations.ts';
import { documentsRouter } from './routes/documents/documents.ts';
import { messagesRouter } from './routes/messages.ts';
import { serviceRouter } from './routes/service.ts';
import type { AppEnv, Dependencies } from './routes/shared/dependencies.ts';
import { methodNotAllowed } from './routes/shared/method-not-allowed.ts';
import { describeApi } from './routes/shared/openapi.ts';
import { renderProblem } from './routes/shared/render-error.ts';
import { allowBrowsers, nameRequest } from './routes/shared/response-headers.ts';
import { turnsRouter } from './routes/turns.ts';
import { websocketRouter } from './routes/websocket/websocket.ts';
import { problemResponse } from './wire/problem.ts';

/**
 * Makes the app.
 * @param dependenciesFor what a request is served with, made from what the runtime passes along with it:
 *   on Workers the database client must be the request's own
 */
export function createApp<Bindings extends object>(
  dependenciesFor: (bindings: Bindings) => Dependencies,
) {
  const app = new OpenAPIHono<AppEnv>({ getPath: pathWithoutTrailingSlash });
  let description: ReturnType<typeof describeApi> | undefined;
  app.use(nameRequest);
  app.use(async (c, next) => {
    // Whoever makes the app also calls it, with its own runtime's bindings.
    c.set('dependencies', dependenciesFor(c.env as Bindings));
    await next();
  });
  app.use(allowBrowsers, refuseRebinding);

  // `start` is no conversation's id: its router comes first.
  app.route('/', shortConversationsRouter());
  app.route('/', conversationsRouter());
  app.route('/', chatsRouter());
  app.route('/', chatConversationsRouter());
  app.route('/', messagesRouter());
  app.route('/', documentsRouter());
  app.route('/', turnsRouter());
  app.route('/', websocketRouter());
  app.route('/', serviceRouter());
  app.get('/openapi.json', (c) => c.json((description ??= describeApi(app))));

  app.notFound(
    (c) => methodNotAllowed(app, c) ?? problemResponse(notFound('Route'), c.get('requestId')),
  );
  app.onError(renderProblem);
  return app;
}

/** A trailing slash never matters. */
function pathWithoutTrailingSlash(request: Request): string {
  const { pathname } = new URL(request.url);
  return pathname.length > 1 ? pathname.replace(/\/+$/, '') || '/' : pathname;
}

/** A server that only this machine can reach answers to no other name: a page could have it point here. */
const refuseRebinding: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (c.get('dependencies').loopbackOnly) refuseForeignHost(c.req.raw.headers);
  await next();
};
