/** The description of the API: what the routes say of themselves, and the headers that hold for many of them, which none of them repeats. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import { about } from './version.ts';
import type { AppEnv } from './dependencies.ts';

type Document = ReturnType<OpenAPIHono<AppEnv>['getOpenAPI31Document']>;
type Operation = NonNullable<NonNullable<Document['paths']>[string]['get']>;
type Response = Exclude<NonNullable<Operation['responses']>[string], { $ref: string }>;

const text = { type: 'string' } as const;

/** What a request may carry besides its parameters. */
const requestHeaders = {
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    required: false,
    description:
      'Up to 255 characters. The same key with the same request gives what the first one gave, and nothing is done twice; with another request it is refused by 409. Kept for 24 hours, per user.',
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

/** What an answer may carry. */
const responseHeaders = {
  RequestId: {
    description: 'The request: as it was sent in this header, or a new name.',
    schema: text,
  },
  TurnId: { description: 'The turn that answers.', schema: text },
  ConversationId: { description: 'The conversation of the turn.', schema: text },
  Location: { description: 'The address of what was made.', schema: text },
  Link: {
    description: 'Where there is more: `<…>; rel="next"`, the address of the next page.',
    schema: text,
  },
  RetryAfter: {
    description: 'After how many seconds to try again, where that is known.',
    schema: text,
  },
} as const;

/** @returns the OpenAPI 3.1 description of all routes of the app */
export function describeApi(app: OpenAPIHono<AppEnv>): Document {
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: about.name,
      version: about.version,
      description: 'A streaming-first chat API whose turns survive.',
    },
    servers: [{ url: '/' }],
  });
  document.components = {
    ...document.components,
    parameters: { ...document.components?.parameters, ...requestHeaders },
    headers: { ...document.components?.headers, ...responseHeaders },
  };
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    for (const method of ['get', 'post', 'patch', 'delete'] as const) {
      const operation = item[method];
      if (operation) describeHeaders(operation, { method, path });
    }
  }
  return document;
}

/** Where something is made that has an address. */
const MAKES = new Set([
  '/conversations',
  '/conversations/start',
  '/chats',
  '/chat/conversations',
  '/documents',
]);
/** Answers that hold a conversation's messages, of which there may be more. */
const HOLDS_MESSAGES = new Set([
  'get /conversations/{id}',
  'get /chats/{id}',
  'get /chat/conversations/{id}',
  'post /conversations/{id}/messages',
]);
/** Refusals that may come with the time after which to try again. */
const MAY_PASS = new Set(['409', '429', '502', '503', '504']);
/** POSTs that make nothing: to repeat them is no harm. */
const MAKES_NOTHING = /\/(cancel|retrieve)$/;

function describeHeaders(
  operation: Operation,
  { method, path }: { method: string; path: string },
): void {
  const parameters = (operation.parameters ??= []);
  const takes = (name: string) =>
    parameters.some((parameter) => 'name' in parameter && parameter.name === name);
  if (method === 'post' && !MAKES_NOTHING.test(path)) parameters.push(parameter('IdempotencyKey'));
  if (takes('last_event_id')) parameters.push(parameter('LastEventId'));

  for (const [status, response] of Object.entries(operation.responses ?? {})) {
    // None of our routes refers to an answer by name.
    if ('$ref' in response) continue;
    describe(response, 'X-Request-Id', 'RequestId');
    if (MAY_PASS.has(status)) describe(response, 'Retry-After', 'RetryAfter');
    if (status !== '200') continue;
    const streams = path !== '/documents' && response.content?.['text/event-stream'] !== undefined;
    if (streams || path.startsWith('/turns/')) {
      describe(response, 'X-Turn-Id', 'TurnId');
      describe(response, 'X-Conversation-Id', 'ConversationId');
    }
    if (method === 'post' && MAKES.has(path)) describe(response, 'Location', 'Location');
    if (takes('cursor') || HOLDS_MESSAGES.has(`${method} ${path}`))
      describe(response, 'Link', 'Link');
  }
}

function parameter(name: keyof typeof requestHeaders) {
  return { $ref: `#/components/parameters/${name}` };
}

function describe(response: Response, header: string, name: keyof typeof responseHeaders): void {
  response.headers = { ...response.headers, [header]: { $ref: `#/components/headers/${name}` } };
}
