import { APICallError, JSONParseError } from '@ai-sdk/provider';
import { describe, expect, it } from 'vitest';
import { decideEnding } from '../../../../src/turns/run/finish.ts';
import type { StepResult } from '../../../../src/turns/run/model-step.ts';

const broken = new JSONParseError({ text: '{', cause: new Error('end of input') });
const reset = new Error('ECONNRESET');

function refused(statusCode: number, responseHeaders: Record<string, string> = {}) {
  const call = { message: 'secret', url: 'http://inside', requestBodyValues: {} };
  return new APICallError({ ...call, statusCode, responseHeaders });
}

function decide(
  step: Partial<StepResult>,
  hasText = true,
  stopped?: 'cancelled' | 'shutdown' | 'lost',
) {
  const whole: StepResult = {
    finish: undefined,
    usage: undefined,
    toolCalls: [],
    spoke: hasText,
    ...step,
  };
  return decideEnding({ step: whole, hasText, stopped });
}

describe('a turn with text', () => {
  it.each([
    ['the provider declared its end', { finish: 'stop' }, 'complete', 'stop'],
    ['the answer was too long for the provider', { finish: 'length' }, 'truncated', 'length'],
    ['or for us', { tooLong: true }, 'truncated', 'length'],
    ['it was filtered', { finish: 'content-filter' }, 'filtered', 'content_filter'],
    ['it called tools to the last', { finish: 'tool-calls' }, 'truncated', 'length'],
    ['the stream ended without a finish', {}, 'interrupted', null],
    ['the finish is another', { finish: 'other' }, 'interrupted', null],
    ['the provider called its finish an error', { finish: 'error' }, 'interrupted', null],
    ['the connection broke', { error: reset }, 'interrupted', null],
    [
      'a frame was broken and a finish came',
      { error: broken, finish: 'stop' },
      'interrupted',
      null,
    ],
    [
      'the service said error and a finish came',
      { error: reset, serviceError: true, finish: 'stop' },
      'failed',
      null,
    ],
    ['it was late, whatever finish', { late: true, finish: 'stop' }, 'interrupted', null],
  ] satisfies [string, Partial<StepResult>, string, string | null][])(
    '%s',
    (_name, step, status, finishReason) => {
      const decision = decide(step);
      expect(decision).toMatchObject({ status, finishReason });
      expect(decision.error !== undefined).toBe(status === 'interrupted' || status === 'failed');
    },
  );
});

describe('a turn without text', () => {
  it.each([
    ['nothing came', {}, 'model_empty'],
    ['only a finish came', { finish: 'stop' }, 'model_empty'],
    ['only calls of tools came', { finish: 'tool-calls' }, 'model_empty'],
    ['the connection broke', { error: reset }, 'model_unavailable'],
    ['a frame was broken', { error: broken }, 'model_error'],
    ['it was late', { late: true }, 'model_timeout'],
    ['it was refused', { error: refused(400) }, 'model_refused'],
    ['our key was refused', { error: refused(401) }, 'model_unauthorized'],
    ['there is no such model', { error: refused(404) }, 'model_not_found'],
    ['it was too long', { error: refused(413) }, 'context_too_long'],
    ['there was too much of it', { error: refused(429) }, 'model_rate_limited'],
    ['the service failed', { error: refused(500) }, 'model_unavailable'],
    ['its gateway was late', { error: refused(504) }, 'model_timeout'],
  ] satisfies [string, Partial<StepResult>, string][])('failed: %s', (_name, step, code) => {
    const decision = decide(step, false);
    expect(decision).toMatchObject({ status: 'failed', finishReason: null, error: { code } });
    expect(decision.error?.detail).toMatch(/^(AI service temporarily unavailable|The .+)$/u);
  });

  it('was filtered before it began', () => {
    expect(decide({ finish: 'content-filter' }, false)).toEqual({
      status: 'filtered',
      finishReason: 'content_filter',
    });
  });
});

describe('Retry-After of the service', () => {
  it.each([
    ['seconds', '7', 7],
    ['part of a second', '0.2', 1],
    ['a date that is over', 'Wed, 21 Oct 2015 07:28:00 GMT', 0],
    ['nonsense', 'soon', 1],
    ['a year', '31536000', 86_400],
    ['less than nothing', '-5', expect.any(Number)],
  ])('%s', (_name, header, retryAfter) => {
    const { error } = decide({ error: refused(429, { 'retry-after': header }) }, false);
    expect(error).toMatchObject({ code: 'model_rate_limited', retryAfter });
    expect(error?.retryAfter).toBeGreaterThanOrEqual(0);
  });

  it('Retry-After is read from the body, as Gemini has it', () => {
    const responseBody = JSON.stringify({
      error: {
        details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '8.2s' }],
      },
    });
    const call = { message: 'secret', url: 'http://inside', requestBodyValues: {} };
    const error = new APICallError({ ...call, statusCode: 429, responseBody });
    expect(decide({ error }, false).error?.retryAfter).toBe(9);
  });

  it('a date to come', () => {
    const header = new Date(Date.now() + 30_000).toUTCString();
    const { error } = decide({ error: refused(503, { 'retry-after': header }) }, false);
    expect(error?.retryAfter).toBeGreaterThanOrEqual(28);
    expect(error?.retryAfter).toBeLessThanOrEqual(31);
  });
});

describe('a turn that was stopped', () => {
  it.each([
    ['cancelled', 'cancelled', undefined],
    ['shutdown', 'interrupted', 'shutting_down'],
  ] as const)('%s is %s, even if the model had finished', (stopped, status, code) => {
    const decision = decide({ finish: 'stop' }, true, stopped);
    expect(decision).toMatchObject({ status, finishReason: null });
    expect(decision.error?.code).toBe(code);
  });
});
