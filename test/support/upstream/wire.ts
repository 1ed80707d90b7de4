import type { AnswerPlan, ModelRequest } from './plan.ts';

/**
 * One event of a streamed body. `token` frames are counted, delayed and may be broken by a fault;
 * `open` comes before them, `finish` declares the end, and `end` is everything after it.
 */
export interface Frame {
  kind: 'open' | 'token' | 'finish' | 'end';
  text: string;
}

/** Defines how one service encodes an answer. */
export interface Wire {
  read(body: unknown, path: string): ModelRequest;
  /** Returns the reason why the real service would refuse the request, or undefined. */
  refuse(body: unknown): string | undefined;
  frames(plan: AnswerPlan): Iterable<Frame>;
  /** Returns the whole answer, for requests that do not stream. */
  whole(plan: AnswerPlan): unknown;
  /** Returns the event that reports an error in a stream that has begun. */
  errorFrame(): string;
  /** Returns the JSON of an error answer with this HTTP status; Gemini's says when to retry. */
  errorBody(status: number, message: string, retryAfter?: number | string): unknown;
}
