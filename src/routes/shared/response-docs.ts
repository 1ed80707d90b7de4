/** The headers of answers, as the documentation describes them. */

const text = { type: 'string' } as const;

/** What an answer may carry. */
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
  RetryAfter: {
    description: 'After how many seconds to try again, where that is known.',
    schema: text,
  },
} as const;

/** Marks, in the configuration of a route, a POST that makes nothing: repeating it does no harm. */
export const MAKES_NOTHING = 'x-makes-nothing';

/** Returns a reference to a header that is described once. */
export function header(name: keyof typeof responseHeaders) {
  return { $ref: `#/components/headers/${name}` };
}

/** Describes the answer of a turn. */
export function ofTurn<Described extends object>(response: Described) {
  return withHeaders(response, {
    'X-Turn-Id': header('TurnId'),
    'X-Conversation-Id': header('ConversationId'),
  });
}

/** Describes the answer that something was made, which has an address. */
export function made<Described extends object>(response: Described) {
  return withHeaders(response, { Location: header('Location') });
}

/** Describes an answer of which there may be more. */
export function paged<Described extends object>(response: Described) {
  return withHeaders(response, { Link: header('Link') });
}

function withHeaders<Described extends object>(
  response: Described & { headers?: object },
  headers: Record<string, { $ref: string }>,
) {
  return { ...response, headers: { ...response.headers, ...headers } };
}
