import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Behaviour, StreamFault } from './behaviour.ts';
import { invalidUtf8Token } from './behaviour.ts';
import { Compressor } from './compression.ts';
import type { RecordedRequest } from './recorded-request.ts';

/** Milliseconds for written data to reach the client before the connection is broken. */
const settleMs = 10;

/** The longest delay of Node's timers, in milliseconds. */
const longestTimerMs = 2 ** 31 - 1;

/** The client has left, or a fault has ended the body, so nothing more must be written. */
export class BodyOver extends Error {}

/**
 * Writes a response body in the pieces that a behaviour asks for, counts it, and breaks it off at a
 * byte.
 */
export class BodyWriter {
  private readonly response: ServerResponse;
  private readonly behaviour: Behaviour;
  private readonly record: RecordedRequest;
  private readonly compressor: Compressor | undefined;
  private stalled = false;

  constructor(response: ServerResponse, behaviour: Behaviour, record: RecordedRequest) {
    this.response = response;
    this.behaviour = behaviour;
    this.record = record;
    const { compressed } = behaviour;
    this.compressor = compressed && new Compressor(compressed);
  }

  /** Writes one network write (or its pieces); throws BodyOver when the body has ended. */
  async write(text: string): Promise<void> {
    const plain = encodeFrame(text);
    await this.writeBytes((await this.compressor?.add(plain)) ?? plain);
  }

  /** Writes the end of a compressed body. */
  async finish(): Promise<void> {
    const last = await this.compressor?.end();
    if (last) await this.writeBytes(last);
  }

  /** Writes bytes that no compression produces. */
  async corrupt(): Promise<void> {
    await this.send(Buffer.alloc(64, 0xff));
  }

  private async writeBytes(bytes: Buffer): Promise<void> {
    const { pieceBytes = bytes.length, pieceDelayMs = 0 } = this.behaviour;
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      if (at > 0 && pieceDelayMs > 0) await this.wait(pieceDelayMs);
      await this.writePiece(bytes.subarray(at, at + pieceBytes));
    }
  }

  /** Waits, with comments if wanted, or throws BodyOver at once when the client leaves. */
  async wait(ms: number): Promise<void> {
    const every = this.response.headersSent ? this.behaviour.commentEveryMs : undefined;
    const end = performance.now() + ms;
    while (every !== undefined && end - performance.now() > every) {
      await this.sleep(every);
      await this.send(Buffer.from(': keep-alive\n\n'));
    }
    await this.sleep(Math.max(0, end - performance.now()));
  }

  /** Waits until the test releases the model, or throws BodyOver when the client leaves. */
  async hold(): Promise<void> {
    await Promise.race([this.record.released, this.record.closed]);
    if (this.record.gone.aborted) throw new BodyOver();
  }

  private async sleep(ms: number): Promise<void> {
    try {
      await sleep(ms, undefined, { signal: this.record.gone });
    } catch {
      throw new BodyOver();
    }
  }

  /** Ends the body in a bad way; only a stall with `forMs` returns. */
  async breakOff(fault: Pick<StreamFault, 'how' | 'forMs'>): Promise<void> {
    if (fault.how === 'stall') {
      await this.wait(fault.forMs ?? longestTimerMs);
      return;
    }
    if (fault.how === 'eof') this.response.end();
    if (fault.how === 'close' || fault.how === 'reset') {
      await this.wait(settleMs);
      this.record.brokenByUs = true;
      if (fault.how === 'close') this.response.socket?.end();
      else this.response.socket?.resetAndDestroy();
    }
    throw new BodyOver();
  }

  private async writePiece(bytes: Buffer): Promise<void> {
    const { fault } = this.behaviour;
    const left = fault?.atByte === undefined ? Infinity : fault.atByte - this.record.bytesWritten;
    if (fault === undefined || left > bytes.length || this.stalled) return this.send(bytes);
    if (left > 0) await this.send(bytes.subarray(0, left));
    this.stalled = true;
    await this.breakOff(fault);
    await this.send(bytes.subarray(Math.max(0, left)));
  }

  private async send(bytes: Buffer): Promise<void> {
    if (this.record.gone.aborted) throw new BodyOver();
    if (bytes.length === 0) return;
    this.record.bytesWritten += bytes.length;
    const hasRoom = this.response.write(bytes);
    // Node joins the writes of one turn of the event loop, but each of these must be sent by
    // itself.
    if (hasRoom) await nextTurn();
    else await once(this.response, 'drain', { signal: this.record.gone }).catch(ignore);
    if (this.record.gone.aborted) throw new BodyOver();
  }
}

function ignore(): void {
  // The client left while we waited; the caller looks at `gone` next.
}

function encodeFrame(text: string): Buffer {
  if (!text.includes(invalidUtf8Token)) return Buffer.from(text);
  const [before = '', ...after] = text.split(invalidUtf8Token);
  const parts = after.flatMap((part) => [Buffer.from([0xff, 0xfe]), Buffer.from(part)]);
  return Buffer.concat([Buffer.from(before), ...parts]);
}
