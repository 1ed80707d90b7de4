/** Describes the responses of routes for the documentation. */
import { z } from '@hono/zod-openapi';
import type { ErrorCode } from '../../core/errors.ts';
import { errorCodes, problemOf } from '../../wire/problem.ts';
import type { AppContext } from './dependencies.ts';
import { ofTurn, withHeader } from './response-docs.ts';

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

/** Describes an answer that is a problem, by the example of one code. */
export function problem(description: string, code: ErrorCode, detail = description) {
  const example = problemOf({ code, detail }, '019ac3a1-5d6b-7a0c-8d9e-4f5a6b7c8d9e');
  return {
    description,
    content: { 'application/problem+json': { schema: problemSchema, example } },
  };
}

/** The problems that any call may answer with. */
export const commonProblems = {
  400: problem('Malformed or invalid input', 'invalid_request', 'message: is required'),
  401: withHeader(
    problem('No credential that holds; never while AUTH=none', 'unauthenticated'),
    'WWW-Authenticate',
    'Authenticate',
  ),
  403: problem('The origin, the host or the credential may not do this', 'forbidden_origin'),
  404: problem('There is no such thing, or it is not yours', 'not_found', 'Conversation not found'),
  413: problem('Too large', 'payload_too_large'),
  415: problem(
    'Not a media type this call takes',
    'unsupported_media_type',
    'Send application/json, in UTF-8',
  ),
  500: problem('Something went wrong on our side', 'internal_error'),
  503: problem('The database or the server is not available now', 'database_unavailable'),
};

/** The further problems of a call that answers with a turn. */
export const turnProblems = {
  ...commonProblems,
  409: problem(
    'A turn is in progress, or the Idempotency-Key was used with another request',
    'turn_in_progress',
    'Another turn is in progress in this conversation',
  ),
  429: problem(
    'The model service, or the queue of the conversation, takes no more now',
    'queue_full',
  ),
  502: problem('The model service failed', 'model_error', 'AI service temporarily unavailable'),
  504: problem(
    'The model service was too slow',
    'model_timeout',
    'AI service temporarily unavailable',
  ),
};

/** Describes problems that are answered as one sentence of plain text. */
export function asSentences(problems: Readonly<Record<number, { description: string }>>) {
  return Object.fromEntries(
    Object.entries(problems).map(([status, { description }]) => [
      status,
      { description, content: { 'text/plain': { schema: z.string(), example: description } } },
    ]),
  );
}

export function json<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { description, content: { 'application/json': { schema } } };
}

/** Describes a response that is JSON, or a stream when the client asks for one. */
export function jsonOrStream<Schema extends z.ZodType>(schema: Schema, description: string) {
  const content = { 'application/json': { schema }, ...eventStreamContent };
  return ofTurn({ description, content });
}

export const eventStreamContent = eventStream(
  'Server-sent events: turn.started, sources, reasoning.delta, tool.call, tool.result, ' +
    'message.delta, then one of turn.completed, turn.cancelled or turn.failed, then done.',
);

export const textStreamContent = eventStream(
  'Server-sent events without a name, whose data are the text, piece by piece; turn.cancelled' +
    ' or turn.failed where the turn ends in such a way; then [DONE].',
);

export function eventStream(description: string) {
  return { 'text/event-stream': { schema: z.string().openapi({ description }) } };
}

export function body<Schema extends z.ZodType>(schema: Schema) {
  return { required: true, content: { 'application/json': { schema } } };
}

/** Sets the link to the next page of a list (RFC 8288). */
export function linkNext(c: AppContext, cursor: string | number | null): void {
  if (cursor === null) return;
  const url = new URL(c.req.url);
  url.searchParams.set('cursor', String(cursor));
  c.header('Link', `<${url.pathname}${url.search}>; rel="next"`);
}
