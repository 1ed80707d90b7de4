/** What every router is made of: a router that validates, and documents itself, by the same schemas. */
import {
  createRoute,
  OpenAPIHono,
  z,
  type RouteConfig,
  type RouteHandler,
} from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import { refuseForeignOrigin } from '../../auth/origin.ts';
import { ParleyError } from '../../core/errors.ts';
import { errorCodes } from '../../wire/problem.ts';
import type { AppContext, AppEnv } from './dependencies.ts';

export function createRouter() {
  return new OpenAPIHono<AppEnv>({
    defaultHook: (result) => {
      if (!result.success) throw invalidInput(result.error);
    },
  });
}

/** What a schema found wrong, field by field, for whoever sent it. */
export function invalidInput({ issues }: Pick<z.ZodError, 'issues'>): ParleyError {
  const errors = issues.map(({ path, message }) => ({ path: path.join('.'), message }));
  const detail = errors
    .map(({ path, message }) => (path ? `${path}: ${message}` : message))
    .join('; ');
  return new ParleyError({ code: 'invalid_request', detail, errors });
}

export type Router = ReturnType<typeof createRouter>;

type RouteOf<Config extends RouteConfig> = ReturnType<typeof createRoute<Config['path'], Config>>;

/** Adds a documented route: what `handler` reads is validated by the schemas that the documentation shows. */
export function route<const Config extends RouteConfig>(
  router: Router,
  config: Config,
  handler: (
    c: Parameters<RouteHandler<RouteOf<Config>, AppEnv>>[0],
  ) => Response | Promise<Response>,
): void {
  // Answers may hold more than their schema says (clients ignore what they do not know), which the library's types do not allow for.
  router.openapi(createRoute<Config['path'], Config>(config), handler);
}

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    code: z.enum(errorCodes),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
    retry_after: z.int().optional(),
  })
  .openapi('Problem');

function problem(description: string) {
  return { description, content: { 'application/problem+json': { schema: problemSchema } } };
}

/** What any call may answer instead. */
export const commonProblems = {
  400: problem('Malformed or invalid input'),
  403: problem('The origin or host may not call here'),
  404: problem('There is no such thing, or it is not yours'),
  413: problem('Too large'),
  415: problem('Not a media type this call takes'),
  500: problem('Something went wrong on our side'),
  503: problem('The database or the server is not available now'),
};

/** What a call that answers with a turn may answer besides. */
export const turnProblems = {
  ...commonProblems,
  409: problem('A turn is in progress, or the Idempotency-Key was used with another request'),
  429: problem('The model service, or the queue of the conversation, takes no more now'),
  502: problem('The model service failed'),
  504: problem('The model service was too slow'),
};

export function json<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { description, content: { 'application/json': { schema } } };
}

/** An answer that comes whole as JSON, or streams when the client asks for it. */
export function jsonOrStream<Schema extends z.ZodType>(schema: Schema, description: string) {
  return {
    description,
    content: { 'application/json': { schema }, ...eventStreamContent },
  };
}

export const eventStreamContent = eventStream(
  'Server-sent events: turn.started, sources, reasoning.delta, tool.call, tool.result, message.delta, then one of turn.completed, turn.cancelled or turn.failed, then done.',
);

export const textStreamContent = eventStream(
  'Server-sent events without a name, whose data are the text, piece by piece; turn.cancelled or turn.failed where the turn ends in such a way; then [DONE].',
);

function eventStream(description: string) {
  return { 'text/event-stream': { schema: z.string().openapi({ description }) } };
}

export function body<Schema extends z.ZodType>(schema: Schema) {
  return { required: true, content: { 'application/json': { schema } } };
}

/** For the GETs that start something: a page from elsewhere may not. */
export const sameOriginOnly: MiddlewareHandler<AppEnv> = async (c, next) => {
  refuseForeignOrigin(c.req.raw.headers, originPolicyOf(c));
  await next();
};

export function originPolicyOf(c: AppContext) {
  return { origins: c.get('services').config.CORS_ORIGINS };
}

/** The address of the next page of a list, as RFC 8288 has it. */
export function linkNext(c: AppContext, cursor: string | number | null): void {
  if (cursor === null) return;
  const url = new URL(c.req.url);
  url.searchParams.set('cursor', String(cursor));
  c.header('Link', `<${url.pathname}${url.search}>; rel="next"`);
}
