/**
 * Builds the description of the API: the routes' own descriptions, and what many operations share.
 */
import type { OpenAPIHono } from '@hono/zod-openapi';
import { SESSION_COOKIE } from '../../auth/presented.ts';
import type { ApiNotes } from './api-notes.ts';
import { about } from './version.ts';
import type { AppEnv } from './dependencies.ts';
import {
  HAS_NO_CURSORS,
  header,
  CREDENTIALS,
  MAKES_NOTHING,
  responseHeaders,
} from './response-docs.ts';

type Document = ReturnType<OpenAPIHono<AppEnv>['getOpenAPI31Document']>;
type Operation = NonNullable<NonNullable<Document['paths']>[string]['get']>;

const text = { type: 'string' } as const;

/** The headers that a request may carry besides its parameters. */
const requestHeaders = {
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    required: false,
    description:
      'Up to 255 characters. The same key with the same request gives what the first one ' +
      'gave, and nothing is done twice; with another request it is refused by 409. Kept for ' +
      '24 hours, per user.',
    schema: { ...text, maxLength: 255 },
  },
  LastEventId: {
    name: 'Last-Event-ID',
    in: 'header',
    required: false,
    description: 'The `id` of the last event that the client has: the stream goes on after it.',
    schema: text,
  },
} as const;

const securitySchemes = {
  bearerAuth: {
    type: 'http',
    scheme: 'bearer',
    description: 'An API key, or a signed token (JWT)',
  },
  apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'An API key' },
  session: {
    type: 'apiKey',
    in: 'cookie',
    name: SESSION_COOKIE,
    description: 'The cookie of `POST /session`',
  },
  ticket: {
    type: 'apiKey',
    in: 'query',
    name: 'ticket',
    description: 'A ticket of `POST /tickets`: for streams and sockets of browsers',
  },
} as const;

type Requirements = NonNullable<Operation['security']>;

const IDENTIFIED: Requirements = [{ bearerAuth: [] }, { apiKey: [] }, { session: [] }];
const WITH_TICKET: Requirements = [...IDENTIFIED, { ticket: [] }];

/**
 * Returns the OpenAPI 3.1 description of all routes of the app.
 * @param notes what is said in sentences and examples
 * @param isOpen true when everybody may call (`AUTH=none`), and credentials are not looked at
 */
export function describeApi(
  app: OpenAPIHono<AppEnv>,
  notes: ApiNotes,
  { isOpen }: { isOpen: boolean },
): Document {
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: about.name,
      version: about.version,
      description: notes.description,
      contact: { name: `The maintainers of ${about.name}` },
      license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
    },
    servers: [{ url: '/', description: 'This server' }],
    tags: notes.tags,
    security: isOpen ? [{}, ...IDENTIFIED] : IDENTIFIED,
  });
  document.components = {
    ...document.components,
    parameters: { ...document.components?.parameters, ...requestHeaders },
    headers: { ...document.components?.headers, ...responseHeaders },
    securitySchemes,
  };
  for (const item of Object.values(document.paths ?? {})) {
    for (const method of ['get', 'post', 'put', 'patch', 'delete'] as const) {
      const operation = item[method];
      if (!operation) continue;
      describeHeaders(operation, method);
      describeCredentials(operation, isOpen);
      addNotes(operation, notes.operations[operation.operationId ?? '']);
    }
  }
  for (const [name, example] of Object.entries(notes.schemas))
    Object.assign(document.components.schemas?.[name] ?? {}, { example });
  return document;
}

function addNotes(operation: Operation, notes: ApiNotes['operations'][string] = {}): void {
  const { description, request, response, requests, responses } = notes;
  if (description !== undefined) operation.description = description;
  addExamples(operation.requestBody, { example: request, examples: requests });
  addExamples(operation.responses?.['200'], { example: response, examples: responses });
}

/** @param given by the names of what they become, examples by media type */
function addExamples(
  described: object = {},
  given: Record<'example' | 'examples', Record<string, unknown> | undefined>,
): void {
  const content = 'content' in described ? (described.content as Record<string, object>) : {};
  for (const [name, byType] of Object.entries(given))
    for (const [type, value] of Object.entries(byType ?? {}))
      Object.assign(content[type] ?? {}, { [name]: value });
}

/** The statuses that may come with `Retry-After`. */
const MAY_PASS = new Set(['409', '429', '502', '503', '504']);

/** Refusals of a body, which a GET has none of. */
const WITH_A_BODY = ['413', '415'];

function leaveOut({ responses = {} }: Operation, statuses: readonly string[]): void {
  for (const status of statuses) Reflect.deleteProperty(responses, status);
}

/** Adds what many operations share. Each route describes its own particulars. */
function describeHeaders(operation: Operation, method: string): void {
  const parameters = (operation.parameters ??= []);
  const takesCursor = parameters.some((given) => 'name' in given && given.name === 'last_event_id');
  const makesSomething = method === 'post' && !operation[MAKES_NOTHING];
  const streamsTurn = Object.values(operation.responses ?? {}).some(
    (response) =>
      'content' in response &&
      response.content?.['text/event-stream'] !== undefined &&
      response.headers?.['X-Turn-Id'] !== undefined,
  );
  const hasCursors = makesSomething && streamsTurn && !operation[HAS_NO_CURSORS];
  delete operation[MAKES_NOTHING];
  delete operation[HAS_NO_CURSORS];
  if (method === 'get') leaveOut(operation, WITH_A_BODY);
  if (makesSomething) parameters.push(parameter('IdempotencyKey'));
  if (takesCursor || hasCursors) parameters.push(parameter('LastEventId'));
  for (const [status, response] of Object.entries(operation.responses ?? {})) {
    // Our routes never refer to a response by name.
    if ('$ref' in response) continue;
    response.headers = {
      ...response.headers,
      'X-Request-Id': header('RequestId'),
      ...(MAY_PASS.has(status) ? { 'Retry-After': header('RetryAfter') } : {}),
    };
  }
}

/** Adds which credentials an operation takes. */
function describeCredentials(operation: Operation, isOpen: boolean): void {
  const takes: unknown = operation[CREDENTIALS];
  delete operation[CREDENTIALS];
  if (takes === 'ticket') operation.security = isOpen ? [{}, ...WITH_TICKET] : WITH_TICKET;
  if (takes !== 'none') return;
  operation.security = [];
  leaveOut(operation, ['401']);
}

function parameter(name: keyof typeof requestHeaders) {
  return { $ref: `#/components/parameters/${name}` };
}
