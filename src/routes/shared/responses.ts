/** What routes may answer, as the documentation describes it. */
import { z } from '@hono/zod-openapi';
import { errorCodes } from '../../wire/problem.ts';
import type { AppContext } from './dependencies.ts';
import { ofTurn } from './response-docs.ts';

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
  const content = { 'application/json': { schema }, ...eventStreamContent };
  return ofTurn({ description, content });
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

/** The address of the next page of a list, as RFC 8288 has it. */
export function linkNext(c: AppContext, cursor: string | number | null): void {
  if (cursor === null) return;
  const url = new URL(c.req.url);
  url.searchParams.set('cursor', String(cursor));
  c.header('Link', `<${url.pathname}${url.search}>; rel="next"`);
}
