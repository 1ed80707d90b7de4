/**
 * Measures what a stream feels of searches: one stream gets a token every 10 ms, while another
 * user's library is searched and added to. The server is the one of `npm start`.
 */
import { modelName } from '../answer.ts';
import { HelperProcess } from '../helper-process.ts';
import { startServer, type Server } from '../servers.ts';
import { freshTurns } from '../turns.ts';
import type { UpstreamMessage } from '../upstream.ts';
import type { LibraryAnswer, LibraryQuestion } from './library-load.ts';

/** Eight seconds of tokens. */
const STREAM = { tokens: 800, paceMs: 10 };
/** Searches at the same time; the last one has an ingest beside it. */
const SEARCHERS = [0, 1, 4, 16];
const OWNER = 'owner-of-a-library';
/** Before anything is counted: the code is compiled, and the library is in memory. */
const REHEARSAL_MS = 3_000;

type LibraryLoad = HelperProcess<LibraryQuestion, LibraryAnswer>;

/** Returns the value below which a share of the sorted values lies. */
function quantile(values: readonly number[], share: number): string {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[Math.floor(sorted.length * share)] ?? Number.NaN).toFixed(1);
}

/** Reads a stream of tokens, and returns the times between two arrivals in ms. */
async function gapsOf(server: Server): Promise<number[]> {
  const [turn] = await freshTurns({ server, model: modelName(STREAM), count: 1 });
  const response = await fetch(`http://127.0.0.1:${server.port}${turn?.path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: turn?.body ?? '',
  });
  const gaps: number[] = [];
  let last: number | undefined;
  for await (const bytes of response.body ?? []) {
    if (!Buffer.from(bytes).includes('event: message.delta')) continue;
    const now = performance.now();
    if (last !== undefined) gaps.push(now - last);
    last = now;
  }
  return gaps;
}

async function withSearchers(server: Server, load: LibraryLoad, folder: string, atOnce: number) {
  const where = { port: server.port, userId: OWNER, folder };
  if (atOnce > 0) await load.ask({ kind: 'search', ...where, atOnce });
  const gaps = await gapsOf(server);
  const { times, seconds } = await load.ask({ kind: 'stop' });
  return {
    'gap p50': quantile(gaps, 0.5),
    p99: quantile(gaps, 0.99),
    longest: quantile(gaps, 0.9999),
    'search p50': quantile(times, 0.5),
    'p99 ': quantile(times, 0.99),
    'searches a second': (times.length / seconds).toFixed(0),
  };
}

/** Prints how long an ingest by HTTP takes, and a stream's gaps under searches. */
export async function reportGap(folder: string): Promise<void> {
  const upstream = new HelperProcess<object, UpstreamMessage>('upstream.ts');
  const load: LibraryLoad = new HelperProcess('retrieval/library-load.ts');
  const other: LibraryLoad = new HelperProcess('retrieval/library-load.ts');
  const listening = await upstream.next();
  const server = await startServer(
    'parley-node',
    listening.kind === 'listening' ? listening.port : 0,
    { EMBEDDING_MODEL: 'offline' },
  );
  try {
    const where = { port: server.port, folder };
    const taken = await load.ask({ kind: 'ingest', ...where, userId: OWNER, atOnce: 4 });
    console.log(`${taken.count} documents taken in ${taken.seconds.toFixed(1)} s, four at once`);
    await load.ask({ kind: 'search', ...where, userId: OWNER, atOnce: 1 });
    await new Promise((resolve) => setTimeout(resolve, REHEARSAL_MS));
    await load.ask({ kind: 'stop' });
    const rows: Record<string, object> = {};
    for (const count of SEARCHERS)
      rows[`${count} searching`] = await withSearchers(server, load, folder, count);
    const most = SEARCHERS.at(-1) ?? 0;
    const adding = other.ask({ kind: 'ingest', ...where, userId: 'somebody-else', atOnce: 4 });
    rows[`${most} searching, an ingest`] = await withSearchers(server, load, folder, most);
    other.stop();
    await adding.catch(() => undefined);
    console.table(rows);
  } finally {
    load.stop();
    other.stop();
    upstream.stop();
    await server.stop();
  }
}
