/**
 * The memory of a socket of responses: when it was opened, and the newest responses that are not
 * kept. Those can be gone on from as long as it is open, and are deleted after that.
 */
import type { ActionDependencies } from '../../actions/context.ts';
import { forgetAfterwards } from '../../actions/forget-turn.ts';
import { ANYONE } from '../../core/principal.ts';
import type { TurnAddress } from '../../turns/turn-service.ts';
import type { Socket } from '../websocket/frame-sink.ts';

/** The most responses that are remembered: what a runtime keeps with a socket is short. */
const MOST_REMEMBERED = 8;

/** The longest time that a socket is open, in milliseconds, as Open Responses has it. */
const OPEN_FOR_MS = 60 * 60_000;

interface Memory {
  openedAt: number;
  /** Pairs of a turn's id and its conversation's, oldest first. */
  unkept: [turnId: string, conversationId: string][];
}

function read({ memory }: Socket): Memory {
  const text = memory?.read();
  // Only `write` has written it.
  return text ? (JSON.parse(text) as Memory) : { openedAt: Date.now(), unkept: [] };
}

function write({ memory }: Socket, remembered: Memory): void {
  memory?.write(JSON.stringify(remembered));
}

/** Begins the memory of a socket that has just been opened. */
export function beginMemory(socket: Socket): void {
  write(socket, { openedAt: Date.now(), unkept: [] });
}

/** Tells whether a socket has been open for too long. */
export function isTooOld(socket: Socket): boolean {
  return Date.now() - read(socket).openedAt > OPEN_FOR_MS;
}

/** Tells whether a response that is not kept was given on this socket. */
export function remembers(socket: Socket, turnId: string): boolean {
  return read(socket).unkept.some(([id]) => id === turnId);
}

/** Remembers a response that is not kept; the oldest of too many are deleted. */
export function remember(
  socket: Socket,
  { turnId, conversationId }: TurnAddress,
  dependencies: ActionDependencies,
): void {
  const { unkept } = read(socket);
  const news: Memory['unkept'] = [...unkept, [turnId, conversationId]];
  change(socket, news.slice(-MOST_REMEMBERED), dependencies);
}

/** Forgets a response: it cannot be gone on from any more. */
export function evict(socket: Socket, turnId: string, dependencies: ActionDependencies): void {
  const { unkept } = read(socket);
  const left = unkept.filter(([id]) => id !== turnId);
  if (left.length < unkept.length) change(socket, left, dependencies);
}

/** Forgets everything, when a socket has been closed. */
export function forgetAll(socket: Socket, dependencies: ActionDependencies): void {
  change(socket, [], dependencies);
}

/** Changes what is remembered, and deletes the conversations of which nothing is any more. */
function change(socket: Socket, unkept: Memory['unkept'], dependencies: ActionDependencies): void {
  const before = read(socket);
  write(socket, { ...before, unkept });
  const left = new Set(unkept.map(([, conversationId]) => conversationId));
  const gone = before.unkept.filter(([, conversationId]) => !left.has(conversationId));
  const newest = new Map(gone.map(([turnId, conversationId]) => [conversationId, turnId]));
  for (const [conversationId, turnId] of newest) {
    // What is deleted here was made on this socket.
    const context = { principal: ANYONE, dependencies, asker: new AbortController() };
    forgetAfterwards(context, { turnId, conversationId });
  }
}
