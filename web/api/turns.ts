/** Starts turns and follows them. */
import { pause } from '../shared/pause.ts';
import { ApiError, newKey, send } from './client.ts';
import { readEvents } from './events.ts';
import type { TurnEvent } from './types.ts';

/** Milliseconds before the first repetition of a try whose answer was lost; each pause doubles. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8_000;

export interface StartedTurn {
  turnId: string;
  conversationId: string;
}

/**
 * Starts a turn, and leaves its answer to {@link follow}: the turn goes on without this response.
 * A try whose answer was lost is repeated with the same key, so it never runs twice.
 */
export async function startTurn(path: string, json: object): Promise<StartedTurn> {
  const headers = { 'idempotency-key': newKey(), accept: 'text/event-stream' };
  for (let wait = FIRST_PAUSE_MS; ; wait *= 2) {
    try {
      const response = await send(path, { json, headers });
      void response.body?.cancel();
      return {
        turnId: response.headers.get('x-turn-id') ?? '',
        conversationId: response.headers.get('x-conversation-id') ?? '',
      };
    } catch (error) {
      const mayPass = !(error instanceof ApiError) || error.status === 503;
      if (!mayPass || wait > LONGEST_PAUSE_MS) throw error;
      await pause(wait);
    }
  }
}

export interface TurnReader {
  event(event: TurnEvent): void;
  /** The server cannot be reached, and is tried again. */
  lost: () => void;
  /** The server has refused: the turn has to be read as it is stored. */
  refused: (error: unknown) => void;
}

/**
 * Follows a turn from its start, through lost connections.
 * @returns a function that stops following
 */
export function follow(turnId: string, reader: TurnReader): () => void {
  const leaving = new AbortController();
  const take = (type: string, data: string) => {
    // The page and the API are of one version: an event has the data of its type.
    if (type === 'done') leaving.abort();
    else reader.event({ type, data: JSON.parse(data) } as TurnEvent);
  };
  const { lost, refused } = reader;
  readEvents(`/turns/${turnId}/events`, { take, lost }, leaving.signal).catch(refused);
  return () => leaving.abort();
}

/** Returns true for the event that ends a turn. */
export function isEnd(
  event: TurnEvent,
): event is Extract<TurnEvent, { type: 'turn.completed' | 'turn.cancelled' | 'turn.failed' }> {
  return event.type.startsWith('turn.') && event.type !== 'turn.started';
}
