/**
 * Reads event streams by `fetch`. An `EventSource` would wake the page for each event; here what
 * came meanwhile is taken together, and a status that refuses can be read.
 */
import { pause } from '../shared/pause.ts';
import { send } from './client.ts';

/** Milliseconds between two looks at what has come. */
const PACE_MS = 50;
/** Milliseconds after which a piece was not there yet when it was asked for. */
const THERE_MS = 1;
/** Milliseconds before a lost connection is made again: at first, and while that fails. */
const FIRST_PAUSE_MS = 250;
const PAUSE_MS = 2_000;

export interface EventReader {
  /** Takes an event by its type and its data, which are JSON. */
  take: (type: string, data: string) => void;
  /** The server cannot be reached, and is tried again and again. */
  lost: () => void;
}

/**
 * Reads the events of a path until `signal` aborts. A connection that is lost is made again, after
 * the last event that came.
 * @throws ApiError where the server refuses
 */
export async function readEvents(
  path: string,
  { take, lost }: EventReader,
  signal: AbortSignal,
): Promise<void> {
  let failures = 0;
  const headers: Record<string, string> = { accept: 'text/event-stream' };
  const takeBlock = (block: string) => {
    const { id, event, data } = fieldsOf(block);
    if (id !== undefined) headers['last-event-id'] = id;
    if (event === undefined || data === undefined || signal.aborted) return;
    try {
      take(event, data);
    } catch (error) {
      // A mistake of the page is no lost connection.
      reportError(error);
    }
  };
  while (!signal.aborted) {
    try {
      const { body } = await send(path, { headers, signal });
      failures = 0;
      if (body) await readBlocks(body, takeBlock);
    } catch (error) {
      // A lost connection is a TypeError.
      if (!(error instanceof TypeError) && !signal.aborted) throw error;
      failures += 1;
      if (failures === 2 && !signal.aborted) lost();
    }
    if (!signal.aborted) await pause(failures > 1 ? PAUSE_MS : FIRST_PAUSE_MS);
  }
}

/** Reads what stands between empty lines. */
async function readBlocks(body: ReadableStream<Uint8Array>, take: (block: string) => void) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  for (;;) {
    const asked = performance.now();
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + decoder.decode(value, { stream: true })).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) take(block);
    // Where nobody sees the page a pause may last a minute, and costs more than it saves.
    if (performance.now() - asked > THERE_MS && !document.hidden) await pause(PACE_MS);
  }
}

function fieldsOf(block: string): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const line of block.split('\n')) {
    const at = line.indexOf(': ');
    if (at > 0) fields[line.slice(0, at)] = line.slice(at + 2);
  }
  return fields;
}
