import type { AnswerPlan, ModelRequest } from './plan.ts';

/**
 * One event of a streamed body. `token` frames are counted, delayed and may be broken by a fault;
 * `open` comes before them, `finish` declares the end and `end` is all that follows it.
 */
export interface Frame {
  kind: 'open' | 'token' | 'finish' | 'end';
  text: string;
}

/** How one service puts an answer on the wire. */
export interface Wire {
  read(body: unknown, path: string): ModelRequest;
  /** What is wrong with the request, as the real service would refuse it, or undefined. */
  refuse(body: unknown): string | undefined;
  frames(plan: AnswerPlan): Iterable<Frame>;
  /** The whole answer, for requests that do not stream. */
  whole(plan: AnswerPlan): unknown;
  /** The event that reports an error in a stream that has begun. */
  errorFrame(): string;
  /** The JSON of an error answer with this HTTP status; Gemini tells when to retry in it. */
  errorBody(status: number, message: string, retryAfter?: number | string): unknown;
}
