/** Describes the headers of responses for the documentation. */

const text = { type: 'string' } as const;

/** The headers that responses may carry. */
export const responseHeaders = {
  RequestId: {
    description: 'The request: as it was sent in this header, or a new id.',
    schema: text,
  },
  TurnId: { description: 'The turn that answers.', schema: text },
  ConversationId: { description: 'The conversation of the turn.', schema: text },
  Location: { description: 'The address of what was made.', schema: text },
  Link: {
    description: 'Where there is more: `<…>; rel="next"`, the address of the next page.',
    schema: text,
  },
  Authenticate: { description: '`Bearer`: how a credential is sent.', schema: text },
  StreamNextOffset: {
    description: 'The offset at which the next read of a durable stream begins.',
    schema: text,
  },
  StreamClosed: {
    description: '`true` when nothing follows: the answer is whole.',
    schema: text,
  },
  RetryAfter: {
    description: 'After how many seconds to try again, where that is known.',
    schema: text,
  },
} as const;

/** Marks, in the configuration of a route, a POST that creates nothing and is safe to repeat. */
export const MAKES_NOTHING = 'x-makes-nothing';

/** Marks, in the configuration of a route, a POST whose stream carries no cursors. */
export const HAS_NO_CURSORS = 'x-has-no-cursors';

/** Says, in the configuration of a route, which credentials it takes; see `router.ts`. */
export const CREDENTIALS = 'x-credentials';

/** Returns a reference to the one description of a header. */
export function header(name: keyof typeof responseHeaders) {
  return { $ref: `#/components/headers/${name}` };
}

/** Describes a response with a turn. */
export function ofTurn<Described extends object>(response: Described) {
  return withHeaders(response, {
    'X-Turn-Id': header('TurnId'),
    'X-Conversation-Id': header('ConversationId'),
  });
}

/** Describes a response for something new, with its address. */
export function made<Described extends object>(response: Described) {
  return withHeaders(response, { Location: header('Location') });
}

/** Describes a response that may have further pages. */
export function paged<Described extends object>(response: Described) {
  return withHeaders(response, { Link: header('Link') });
}

/** Describes a response with one more header. */
export function withHeader<Described extends object>(
  response: Described,
  name: string,
  described: keyof typeof responseHeaders,
) {
  return withHeaders(response, { [name]: header(described) });
}

function withHeaders<Described extends object>(
  response: Described & { headers?: object },
  headers: Record<string, { $ref: string }>,
) {
  return { ...response, headers: { ...response.headers, ...headers } };
}
