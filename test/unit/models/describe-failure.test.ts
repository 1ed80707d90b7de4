/** What the log says of a model's failure: enough to act on, and no key. */
import { APICallError, JSONParseError } from '@ai-sdk/provider';
import { expect, it } from 'vitest';
import { ParleyError } from '../../../src/core/errors.ts';
import { describeFailure } from '../../../src/models/describe-failure.ts';
import { modelFailure } from '../../../src/models/failure.ts';
import {
  BrokenStreamError,
  ReportedError,
} from '../../../src/models/chat-stream/reported-error.ts';

const context = {
  keyVariable: 'OPENAI_API_KEY',
  baseUrlVariable: 'OPENAI_BASE_URL',
  secrets: ['a-secret-of-ours'],
  tokens: 7,
};

function refused(
  statusCode: number | undefined,
  responseBody: string,
  cause?: Error,
  address = 'http://127.0.0.1:1/v1/chat/completions',
) {
  return new APICallError({
    message: 'x',
    url: `${address}?key=a-secret-of-ours`,
    requestBodyValues: {},
    statusCode,
    responseBody,
    cause,
  });
}

const said = (message: string) => JSON.stringify({ error: { message } });
const refusedConnection = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });

it.each([
  [
    'a key that is refused',
    refused(401, said('Incorrect API key: a-secret-of-ours, sk-abcdefgh12345678')),
    'status 401: Incorrect API key: ***, ***; at http://127.0.0.1:1/v1/chat/completions; check OPENAI_API_KEY',
  ],
  [
    'a model that does not exist',
    refused(404, said('no such model')),
    'status 404: no such model; at http://127.0.0.1:1/v1/chat/completions; check the model’s name',
  ],
  [
    'an address that the service does not know',
    refused(404, '404 page not found'),
    'status 404: 404 page not found; at http://127.0.0.1:1/v1/chat/completions; check the model’s name, and OPENAI_BASE_URL',
  ],
  [
    'a base URL without its /v1',
    refused(404, '404 page not found', undefined, 'http://127.0.0.1:1/chat/completions'),
    'status 404: 404 page not found; at http://127.0.0.1:1/chat/completions; check the model’s name, and whether OPENAI_BASE_URL lacks its /v1',
  ],
  [
    'a web page',
    refused(200, '<html><body>Welcome</body></html>'),
    'status 200: Welcome; at http://127.0.0.1:1/v1/chat/completions; a web page is no model’s service: check OPENAI_BASE_URL',
  ],
  [
    'a service that does not run',
    refused(undefined, '', refusedConnection),
    'no answer (ECONNREFUSED); at http://127.0.0.1:1/v1/chat/completions; is it running?',
  ],
  [
    'an error inside the stream',
    new ReportedError({ error: { message: 'overloaded\nline' } }, 503),
    'an error inside the stream, after about 7 tokens: overloaded line',
  ],
  [
    'a connection that broke',
    new BrokenStreamError('x', { cause: Object.assign(new Error(), { code: 'ECONNRESET' }) }),
    'the connection broke after about 7 tokens (ECONNRESET)',
  ],
  [
    'what cannot be read',
    new JSONParseError({ text: '{', cause: undefined }),
    'an event of the stream could not be read, after about 7 tokens',
  ],
  [
    'a stream that merely ends',
    new ParleyError(modelFailure('model_error')),
    'the stream ended after about 7 tokens, without a declared finish',
  ],
  [
    'a service that is late',
    new ParleyError(modelFailure('model_timeout')),
    'nothing more came in time, after about 7 tokens; see IDLE_TIMEOUT_MS and TURN_TIMEOUT_MS',
  ],
  [
    'a quota that is used up',
    refused(429, said('You exceeded your current quota, please check your billing details.')),
    'status 429: You exceeded your current quota, please check your billing details; at http://127.0.0.1:1/v1/chat/completions; check the plan and the limits of OPENAI_API_KEY',
  ],
  [
    'https where there is only http',
    refused(undefined, '', Object.assign(new Error('x'), { code: 'ERR_SSL_WRONG_VERSION_NUMBER' })),
    'no answer (ERR_SSL_WRONG_VERSION_NUMBER); at http://127.0.0.1:1/v1/chat/completions; does OPENAI_BASE_URL need http or https?',
  ],
])('%s', (_, error, words) => {
  expect(describeFailure(error, context)).toBe(words);
});

it.each([
  [0, 'nothing came in time; FIRST_TOKEN_TIMEOUT_MS says how long it may take'],
  [1, 'nothing more came in time, after about 1 token; see IDLE_TIMEOUT_MS and TURN_TIMEOUT_MS'],
])('a service that is late after %i tokens is told with the limit', (tokens, words) => {
  expect(describeFailure(new ParleyError(modelFailure('model_timeout')), { tokens })).toBe(words);
});

it('the service’s words are bounded', () => {
  expect(describeFailure(refused(500, 'word '.repeat(1_000)), context).length).toBeLessThan(450);
});
