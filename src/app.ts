/** The app: its doors, and what holds for every one of them. It knows no runtime; what it needs comes with each request. */
import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { cors } from 'hono/cors';
import { HTTPException } from 'hono/http-exception';
import { declaredLength, hasBody, isJson, withPlainJson } from './routes/shared/request-body.ts';
import { isAllowedOrigin, refuseForeignHost, refuseForeignOrigin } from './auth/origin.ts';
import { failureOf, isForOperator, notFound, ParleyError } from './core/errors.ts';
import { newId } from './core/ids.ts';
import { identify } from './routes/shared/identify.ts';
import { chatConversationsRouter } from './routes/conversations/chat-conversations.ts';
import { chatsRouter } from './routes/conversations/chats.ts';
import { shortConversationsRouter } from './routes/conversations/short-conversations.ts';
import { conversationsRouter } from './routes/conversations/conversations.ts';
import { describeApi } from './routes/shared/openapi.ts';
import { documentsRouter, isUpload } from './routes/documents/documents.ts';
import { originPolicyOf } from './routes/shared/router.ts';
import { serviceRouter } from './routes/service.ts';
import type { AppContext, AppEnv, Dependencies } from './routes/shared/dependencies.ts';
import { turnsRouter } from './routes/turns.ts';
import { websocketRouter } from './routes/websocket.ts';
import { LARGEST_UPLOAD } from './documents/extract.ts';
import { problemResponse } from './wire/problem.ts';
import { isTurnResponse } from './wire/turn-response.ts';

/** Bytes of a JSON body. */
const LARGEST_BODY = 1024 * 1024;
/** Bytes of a body that holds a document: in JSON a line break, a quote and more take two. */
const LARGEST_UPLOAD_BODY = 2 * LARGEST_UPLOAD;

/**
 * @param servicesFor what a request is served with, made from what the runtime passes along with it: on Workers the database client must be the
 * request's own
 */
export function createApp<Bindings extends object>(
  servicesFor: (bindings: Bindings) => Dependencies,
) {
  const app = new OpenAPIHono<AppEnv>({ getPath: pathWithoutTrailingSlash });
  let description: ReturnType<typeof describeApi> | undefined;
  app.use(nameRequest);
  app.use(async (c, next) => {
    // Whoever makes the app also calls it, with its own runtime's bindings.
    c.set('services', servicesFor(c.env as Bindings));
    await next();
  });
  app.use(allowBrowsers, guard, limitBody, requireKnownBody, identify);

  // `start` is no conversation's id: its router comes first.
  app.route('/', shortConversationsRouter());
  app.route('/', conversationsRouter());
  app.route('/', chatsRouter());
  app.route('/', chatConversationsRouter());
  app.route('/', documentsRouter());
  app.route('/', turnsRouter());
  app.route('/', websocketRouter());
  app.route('/', serviceRouter());
  app.get('/openapi.json', (c) => c.json((description ??= describeApi(app))));

  app.notFound((c) => problemResponse(notFound('Route'), c.get('requestId')));
  app.onError(renderError);
  return app;
}

/** A trailing slash never matters. */
function pathWithoutTrailingSlash(request: Request): string {
  const { pathname } = new URL(request.url);
  return pathname.length > 1 ? pathname.replace(/\/+$/, '') || '/' : pathname;
}

/** Ids of requests that callers may choose themselves. */
const REQUEST_ID = /^[\w=-]{1,255}$/;

const nameRequest: MiddlewareHandler<AppEnv> = async (c, next) => {
  const given = c.req.header('x-request-id');
  const requestId = given !== undefined && REQUEST_ID.test(given) ? given : newId();
  c.set('requestId', requestId);
  await next();
  addHeader(c, 'X-Request-Id', requestId, 'set');
  for (const [name, value] of Object.entries(c.get('turnHead') ?? {}))
    addHeader(c, name, value, 'set');
};

/** Added to the finished answer: whatever is set before makes the framework build a second one. One that streams a turn was made with these headers. */
function addHeader(c: Context<AppEnv>, name: string, value: string, how: 'set' | 'append'): void {
  if (isTurnResponse(c.res)) return;
  try {
    c.res.headers[how](name, value);
  } catch {
    // The headers of an answer that came over a network cannot be changed, only copied.
    c.header(name, value, { append: how === 'append' });
  }
}

const corsHeaders: MiddlewareHandler<AppEnv> = cors({
  origin: (origin, c: Context<AppEnv>) =>
    isAllowedOrigin(origin, c.req.header('host'), originPolicyOf(c)) ? origin : null,
  exposeHeaders: [
    'X-Request-Id',
    'X-Turn-Id',
    'X-Conversation-Id',
    'Location',
    'Link',
    'Retry-After',
  ],
  maxAge: 600,
});

const allowBrowsers: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (c.req.header('origin') !== undefined) return corsHeaders(c, next);
  await next();
  addHeader(c, 'Vary', 'Origin', 'append');
};

const guard: MiddlewareHandler<AppEnv> = async (c, next) => {
  const { headers } = c.req.raw;
  if (c.get('services').loopbackOnly) refuseForeignHost(headers);
  if (!['GET', 'HEAD', 'OPTIONS'].includes(c.req.method))
    refuseForeignOrigin(headers, originPolicyOf(c));
  await next();
};

function limitedTo(maxSize: number): MiddlewareHandler<AppEnv> {
  const onError = () => {
    throw new ParleyError({
      code: 'payload_too_large',
      detail: `A body may have ${maxSize} bytes`,
    });
  };
  return bodyLimit({ maxSize, onError });
}

const limitJson = limitedTo(LARGEST_BODY);
const limitUpload = limitedTo(LARGEST_UPLOAD_BODY);

const limitBody: MiddlewareHandler<AppEnv> = (c, next) => {
  const isSmall = (declaredLength(c.req.raw) ?? Number.POSITIVE_INFINITY) <= LARGEST_BODY;
  if (isSmall || !hasBody(c.req.raw)) return next();
  return (isUpload(c.req.method, c.req.path) ? limitUpload : limitJson)(c, next);
};

/** A body that is not said to be JSON, or a form where a file may come, is not read as such. */
const requireKnownBody: MiddlewareHandler<AppEnv> = async (c, next) => {
  const type = c.req.header('content-type');
  const matters = c.req.method !== 'DELETE' && hasBody(c.req.raw);
  const takesForm = isUpload(c.req.method, c.req.path);
  const isForm = takesForm && /^multipart\/form-data\b/i.test(type ?? '');
  if (matters && isJson(type)) c.req.raw = withPlainJson(c.req.raw);
  else if (matters && type !== undefined && !isForm) throw unknownMediaType(takesForm);
  await next();
};

function unknownMediaType(takesForm: boolean): ParleyError {
  const detail = `Send application/json${takesForm ? ' or multipart/form-data' : ''}`;
  return new ParleyError({ code: 'unsupported_media_type', detail });
}

function renderError(error: Error, c: AppContext): Response {
  const requestId = c.get('requestId');
  if (error instanceof HTTPException) {
    // The framework throws it where it reads a body, and for one that is of no type.
    if (error.status === 415)
      return problemResponse(unknownMediaType(isUpload(c.req.method, c.req.path)), requestId);
    const isForm = c.req.header('content-type')?.toLowerCase().startsWith('multipart/') ?? false;
    const detail = `The body is not ${isForm ? 'a valid form' : 'valid JSON'}`;
    return problemResponse({ code: 'invalid_request', detail }, requestId);
  }
  const failure = failureOf(error);
  // A client that has gone makes reading fail; nobody hears the answer and nothing is wrong.
  const isGone = c.req.raw.signal.aborted;
  if (!isGone && isForOperator(error)) c.get('services').report(`request ${requestId}`, error);
  return problemResponse(failure, requestId);
}
