/**
 * Builds the app: its routers, and the middleware that applies to all of them. It knows no runtime.
 */
import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context, MiddlewareHandler } from 'hono';
import { isTrustedHost, REFUSED_HOST, refusedHostMessage } from './auth/host.ts';
import { ParleyError } from './core/errors.ts';
import { warnOnce } from './core/log-once.ts';
import { agUiRouter } from './routes/ag-ui/ag-ui.ts';
import { chatRouter } from './routes/ai-sdk/chat.ts';
import { anthropicRouter } from './routes/anthropic/anthropic.ts';
import { chatConversationsRouter } from './routes/conversations/chat-conversations.ts';
import { chatsRouter } from './routes/conversations/chats.ts';
import { conversationsRouter } from './routes/conversations/conversations.ts';
import { shortConversationsRouter } from './routes/conversations/short-conversations.ts';
import { keysRouter } from './routes/credentials/keys.ts';
import { sessionsRouter } from './routes/credentials/sessions.ts';
import { ticketsRouter } from './routes/credentials/tickets.ts';
import { durableStreamsRouter } from './routes/durable-streams.ts';
import { chunksRouter } from './routes/documents/chunk-routes.ts';
import { documentsRouter } from './routes/documents/documents.ts';
import { filesRouter } from './routes/files/files.ts';
import { limitsRouter } from './routes/limits.ts';
import { metricsRouter } from './routes/metrics.ts';
import { mcpRouter } from './routes/mcp/mcp.ts';
import { messagesRouter } from './routes/messages.ts';
import { openAiRouter } from './routes/openai/openai.ts';
import { renderOpenAiError } from './routes/openai/render-openai-error.ts';
import { responsesRouter } from './routes/responses/responses.ts';
import { serviceRouter } from './routes/service.ts';
import { readApiNotes } from './routes/shared/api-notes.ts';
import type { AppEnv, Dependencies } from './routes/shared/dependencies.ts';
import { logRequest } from './routes/shared/log-request.ts';
import { noRoute } from './routes/shared/no-route.ts';
import { describeApi } from './routes/shared/openapi.ts';
import { renderProblem, type RenderError } from './routes/shared/render-error.ts';
import { allowBrowsers, nameRequest } from './routes/shared/response-headers.ts';
import { traceRequest } from './routes/shared/trace-request.ts';
import { toolPermissionsRouter } from './routes/tool-permissions.ts';
import { toolsRouter } from './routes/tools.ts';
import { turnsRouter } from './routes/turns.ts';
import { usageRouter } from './routes/usage.ts';
import { userDataRouter } from './routes/user-data.ts';
import { websocketRouter } from './routes/websocket/websocket.ts';

/**
 * Creates the app.
 * @param dependenciesFor returns the dependencies of a request from what the runtime passes along
 *   with it: on Workers the database client must belong to the request
 */
export function createApp<Bindings extends object>(
  dependenciesFor: (bindings: Bindings) => Dependencies,
) {
  const app = new OpenAPIHono<AppEnv>({ getPath: pathWithoutTrailingSlash });
  let description: ReturnType<typeof describeApi> | undefined;
  app.use(nameRequest);
  app.use((c, next) => {
    // The host that creates the app also calls it, with the bindings of its own runtime.
    c.set('dependencies', dependenciesFor(c.env as Bindings));
    return next();
  });
  app.use(traceRequest, logRequest, allowBrowsers, refuseRebinding);

  // `/conversations/start` must match before `/conversations/{id}`, so this router comes first.
  app.route('/', shortConversationsRouter());
  app.route('/', conversationsRouter());
  app.route('/', chatsRouter());
  app.route('/', chatConversationsRouter());
  app.route('/', messagesRouter());
  app.route('/', documentsRouter());
  app.route('/', chunksRouter());
  app.route('/', filesRouter());
  app.route('/', chatRouter());
  app.route('/', agUiRouter());
  app.route('/', mcpRouter());
  app.route('/', openAiRouter());
  app.route('/', responsesRouter());
  app.route('/', anthropicRouter());
  app.route('/', turnsRouter());
  app.route('/', durableStreamsRouter());
  app.route('/', usageRouter());
  app.route('/', limitsRouter());
  app.route('/', userDataRouter());
  app.route('/', toolsRouter());
  app.route('/', toolPermissionsRouter());
  app.route('/', websocketRouter());
  app.route('/', keysRouter());
  app.route('/', ticketsRouter());
  app.route('/', sessionsRouter());
  app.route('/', metricsRouter());
  app.route('/', serviceRouter());
  app.get('/openapi.json', async (c) => {
    const { pages, identity } = c.get('dependencies');
    description ??= describeApi(app, await readApiNotes(pages), { isOpen: !identity });
    return c.json(description);
  });

  app.notFound((c) => noRoute(app, c, renderFor(c)));
  app.onError((error, c) => renderFor(c)(error, c));
  return app;
}

/** Returns how errors are rendered outside of every route: whose clients the address is for. */
function renderFor(c: Context<AppEnv>): RenderError {
  return /^\/v1(?:\/|$)/.test(c.req.path) ? renderOpenAiError : renderProblem;
}

/** Returns the path without trailing slashes, which never matter. */
function pathWithoutTrailingSlash(request: Request): string {
  const { pathname } = new URL(request.url);
  return pathname.length > 1 ? pathname.replace(/\/+$/, '') || '/' : pathname;
}

/**
 * Refuses other host names on a server that only this machine can reach. A page could otherwise
 * make its own name resolve to this machine (DNS rebinding).
 */
const refuseRebinding: MiddlewareHandler<AppEnv> = (c, next) => {
  const { loopbackOnly, config, log } = c.get('dependencies');
  const host = c.req.header('host');
  const isTrusted = !loopbackOnly || isTrustedHost(host, config.TRUSTED_HOSTS);
  if (isTrusted) return next();
  warnOnce(log, refusedHostMessage(host));
  throw new ParleyError({ code: 'forbidden_host', detail: REFUSED_HOST });
};
