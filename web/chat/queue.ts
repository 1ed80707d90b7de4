/**
 * Messages that wait until the answer before them is over, for each conversation. They outlive the
 * page: what somebody wrote is never lost.
 */
import { recall, remember } from '../shared/storage.ts';

type Queues = Record<string, string[]>;

function read(): Queues {
  try {
    const stored: unknown = JSON.parse(recall('queue') ?? '{}');
    return typeof stored === 'object' && stored !== null && !Array.isArray(stored)
      ? Object.fromEntries(Object.entries(stored).map(([id, texts]) => [id, textsIn(texts)]))
      : {};
  } catch {
    return {};
  }
}

function textsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((text) => typeof text === 'string') : [];
}

const queues = read();

/** Returns what waits in a conversation, first come first. */
export function waitingIn(id: string | undefined): readonly string[] {
  return queues[id ?? ''] ?? [];
}

/** Replaces what waits in a conversation. */
export function setWaiting(id: string | undefined, texts: readonly string[]): void {
  if (texts.length > 0) queues[id ?? ''] = [...texts];
  else delete queues[id ?? ''];
  remember('queue', Object.keys(queues).length > 0 ? JSON.stringify(queues) : '');
}
