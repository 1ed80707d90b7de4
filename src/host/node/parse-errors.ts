/**
 * Answers requests that Node's parser cannot read with a problem document, since no route ever sees
 * them.
 */
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { newId } from '../../core/ids.ts';
import type { Failure } from '../../core/errors.ts';
import { problemOf } from '../../wire/problem.ts';

/** Handles the server's event `clientError`. */
export function answerParseError(error: NodeJS.ErrnoException, socket: Duplex): void {
  // A broken connection, or one with a response under way, cannot take a message.
  const hasAnswer = '_httpMessage' in socket && socket['_httpMessage'] !== null;
  if (!socket.writable || error.code === 'ECONNRESET' || hasAnswer) {
    socket.destroy();
    return;
  }
  const requestId = newId();
  const { status, ...failure } = failureOf(error.code);
  const body = JSON.stringify({ ...problemOf(failure, requestId), status });
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
      'Connection: close',
      'Content-Type: application/problem+json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      `X-Request-Id: ${requestId}`,
      '',
      body,
    ].join('\r\n'),
  );
}

/**
 * Returns the failure for a code of Node's errors
 * (https://nodejs.org/api/http.html#event-clienterror).
 */
function failureOf(code: string | undefined): Failure & { status: number } {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return { status: 431, code: 'payload_too_large', detail: 'The headers are too large' };
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { status: 408, code: 'invalid_request', detail: 'The request took too long to come' };
    case 'HPE_INVALID_METHOD':
      // `fetch` of browsers and of Node sends `patch` as it is written.
      return {
        status: 400,
        code: 'invalid_request',
        detail: 'The method is unknown: methods are written in capitals, such as PATCH',
      };
    default:
      return { status: 400, code: 'invalid_request', detail: 'This is no HTTP request' };
  }
}
