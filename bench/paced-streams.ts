/** A timer wheel: it writes thousands of streams, each every few milliseconds, with one timer. */
import type { Socket } from 'node:net';
import { sharedClock } from './answer.ts';

type Stream = { socket: Socket; frames: Buffer[]; next: number; startedAt: number; paceMs: number };

/** Slots of 1 ms: more than the longest pace, so that a slot only holds what is due in it. */
const SLOTS = 2048;

export class PacedStreams {
  #slots: Stream[][] = Array.from({ length: SLOTS }, () => []);
  #open = 0;
  #doneUntil = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Starts what was held back. */
  #held: (() => void)[] = [];

  /** Like {@link start}, but everything after the first frame waits for {@link release}. */
  startHeld(socket: Socket, frames: Buffer[], paceMs: number): void {
    const [first, ...rest] = frames;
    if (first) socket.write(first);
    this.#held.push(() => this.start(socket, rest, paceMs));
  }

  release(): void {
    for (const start of this.#held.splice(0)) start();
  }

  /**
   * Writes the first frame at once, and each later one `paceMs` after the one before, scheduled
   * from the start: a late tick delays only its own frames. The last frame (the end) is sent with
   * the last token.
   */
  start(socket: Socket, frames: Buffer[], paceMs: number): void {
    const [first] = frames;
    if (first) socket.write(first);
    if (frames.length < 2) return;
    if (this.#open++ === 0) this.#run();
    this.#schedule({ socket, frames, next: 1, startedAt: sharedClock(), paceMs });
  }

  #schedule(stream: Stream): void {
    const dueAt = Math.max(stream.startedAt + stream.next * stream.paceMs, this.#doneUntil + 1);
    this.#slots[Math.floor(dueAt) % SLOTS]?.push(stream);
  }

  #run(): void {
    this.#doneUntil = Math.floor(sharedClock()) - 1;
    this.#timer = setInterval(() => this.#tick(), 1);
  }

  #tick(): void {
    const now = Math.floor(sharedClock());
    while (this.#doneUntil < now) {
      const slot = ++this.#doneUntil % SLOTS;
      const due = this.#slots[slot] ?? [];
      this.#slots[slot] = [];
      for (const stream of due) this.#send(stream);
    }
    if (this.#open === 0) clearInterval(this.#timer);
  }

  #send(stream: Stream): void {
    const { socket, frames } = stream;
    const lastToken = frames.length - 2;
    const frame = frames[stream.next];
    const isLast = stream.next >= lastToken;
    if (socket.destroyed || !frame) {
      this.#open--;
      return;
    }
    const end = frames[frames.length - 1];
    socket.write(isLast && end && frame !== end ? Buffer.concat([frame, end]) : frame);
    if (isLast) this.#open--;
    else {
      stream.next++;
      this.#schedule(stream);
    }
  }
}
