/** Follows a service's answer to its end: what every wire has in common. */
import { JSONParseError } from '@ai-sdk/provider';
import { EventReader } from './event-reader.ts';
import { BrokenStreamError, errorIn, type ReportedError } from './reported-error.ts';
import { responderIn, type Responder } from './responder.ts';
import { isRecord, type JsonRecord } from '../../core/json.ts';
import type { BodyInterceptor } from '../http.ts';

/**
 * Milliseconds that a stream may go on after the service has declared the finish of its answer.
 * Only counts can still come; some services then keep the connection open, or reset it.
 */
export const SETTLE_MS = 2_000;

/** UTF-16 units of unreadable data that an error carries. */
const LONGEST_UNREADABLE = 1_000;

/** The events that may say what answers: the first, on most wires. */
const MOST_LOOKS = 3;

export abstract class BodyReader implements BodyInterceptor {
  /** False of an answer that is JSON as a whole. */
  isStream = true;
  /** The model that answers, as the service names it; undefined while it has not. */
  responder: Responder | undefined;
  #looks = 0;
  readonly #events: EventReader;
  readonly #settleMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isDone = false;
  #isBegun = false;
  #isLeftOpen = false;

  constructor(settleMs: number) {
    this.#settleMs = settleMs;
    this.#events = new EventReader({
      onLine: (json) => !this.#isDone && this.readLine(json),
      onJson: (value, type, json) => {
        if (this.responder === undefined && this.#looks++ < MOST_LOOKS)
          this.responder = responderIn(value);
        if (type !== '' || this.#isDone || !this.readPlain(value, json)) this.#onJson(value, type);
      },
      onDoneMark: () => this.#isDone || this.onDoneMark(),
      onUnreadable: (data) => this.#onUnreadable(data),
    });
  }

  /** The service has declared the finish of its answer. */
  protected abstract readonly isDeclared: boolean;
  /** Reads an event that reports no error. */
  protected abstract read(value: JsonRecord): void;
  /** The answer is over, by a declared finish or without one; nothing follows. */
  protected abstract tellEnd(): void;
  /** The service reported an error, sent what cannot be read, or the connection broke. */
  protected abstract tellError(error: Error): void;

  /**
   * Reads an event that is like the one before, without its being parsed.
   * @returns false for any other, which is parsed
   */
  protected readLine(_json: string): boolean {
    return false;
  }

  /**
   * Reads an event of the commonest kind, at the least cost.
   * @param _json the event as it was sent
   * @returns false for any other, which is left to {@link read}
   */
  protected readPlain(_value: unknown, _json: string): boolean {
    return false;
  }

  /** The mark that ends a stream has come; services that have none get it from proxies. */
  protected onDoneMark(): void {
    this.finish();
  }

  /** All events of one read of the network have been read. */
  protected onRead(): void {
    // Nothing to do for a wire that tells each event by itself.
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  /** Something of the answer has arrived. */
  get isBegun(): boolean {
    return this.#isBegun;
  }

  /** The answer is over although its connection has neither brought an end nor broken. */
  get isLeftOpen(): boolean {
    return this.#isLeftOpen;
  }

  push(bytes: Uint8Array): void {
    this.#isBegun = true;
    if (this.#isDone) return;
    try {
      this.#events.push(bytes);
    } catch (error) {
      return this.fail(error);
    }
    if (this.#isDone) return;
    this.onRead();
    if (this.isDeclared) this.#settle();
  }

  end(): void {
    this.#isBegun = true;
    if (this.#isDone) return;
    this.#events.end();
    this.finish();
  }

  fail(cause?: unknown): void {
    this.#isBegun = true;
    if (this.#isDone) return;
    if (this.isDeclared) return this.finish();
    this.#stop(new BrokenStreamError('the connection broke', { cause }));
  }

  /** Ends the answer. */
  protected finish(): void {
    if (this.#isDone) return;
    this.onRead();
    this.#close();
    this.tellEnd();
  }

  /** Returns the error that an event reports. */
  protected errorOf(value: JsonRecord, type: string): ReportedError | undefined {
    return errorIn(value, type, this.isStream);
  }

  #onJson(value: unknown, type: string): void {
    if (Array.isArray(value)) return value.forEach((one) => this.#onJson(one, type));
    if (this.#isDone || !isRecord(value)) return;
    const error = this.isDeclared ? undefined : this.errorOf(value, type);
    this.read(value);
    if (error) this.#stop(error);
  }

  #onUnreadable(data: string): void {
    if (this.#isDone || this.isDeclared) return;
    const text = data.slice(0, LONGEST_UNREADABLE);
    this.#stop(new JSONParseError({ text, cause: new Error('an event is no JSON') }));
  }

  #stop(error: Error): void {
    this.onRead();
    this.#close();
    this.tellError(error);
  }

  #close(): void {
    clearTimeout(this.#timer);
    this.#isDone = true;
  }

  #settle(): void {
    this.#timer ??= setTimeout(() => {
      this.#isLeftOpen = true;
      this.finish();
    }, this.#settleMs);
  }

  /** Waits anew: an answer whose every event declares a finish goes on for as long as they come. */
  protected settleAnew(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
