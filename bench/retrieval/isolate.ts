/**
 * Measures the CPU that a search costs on workerd, net of a request that does nothing: searches and
 * such requests come in blocks that take turns, so that other work of the machine meets both.
 */
import { HelperProcess } from '../helper-process.ts';
import { cpuByName } from '../process-usage.ts';
import { startServer, type Server } from '../servers.ts';
import type { UpstreamMessage } from '../upstream.ts';
import { readCorpus } from './corpus.ts';
import type { LibraryAnswer, LibraryQuestion } from './library-load.ts';

const OWNER = 'owner-of-a-library';
const K = 8;
/** Requests of one kind before the other has its turn. */
const BLOCK = 25;
const BLOCKS = 12;
/** Blocks that are not counted: the code is compiled meanwhile. */
const REHEARSALS = 5;

/** Returns the CPU that all isolates of the server have used, in ms. */
function cpuOfIsolates({ leaders }: Server): number {
  return cpuByName(leaders)['workerd'] ?? 0;
}

async function answered(url: string, body?: object): Promise<void> {
  const asked = { method: 'POST', headers: { 'content-type': 'application/json' } };
  const response = await fetch(url, body && { ...asked, body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url}: ${response.status} ${text.slice(0, 200)}`);
}

interface Kind {
  name: string;
  ask(index: number): Promise<void>;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/** Returns the CPU of a request of each kind, in ms: the median of its blocks. */
async function costsOf(server: Server, kinds: readonly Kind[]): Promise<Map<string, number>> {
  const costs = new Map(kinds.map(({ name }) => [name, Array<number>()]));
  let index = 0;
  for (let block = 0; block < REHEARSALS + BLOCKS; block++)
    for (const { name, ask } of kinds) {
      const before = cpuOfIsolates(server);
      for (let at = 0; at < BLOCK; at++) await ask(index++);
      const each = (cpuOfIsolates(server) - before) / BLOCK;
      if (block >= REHEARSALS) costs.get(name)?.push(each);
    }
  return new Map([...costs].map(([name, list]) => [name, median(list)]));
}

/** Prints what a search of the folder's documents costs on workerd. */
export async function reportIsolate(folder: string): Promise<void> {
  const upstream = new HelperProcess<object, UpstreamMessage>('upstream.ts');
  const load = new HelperProcess<LibraryQuestion, LibraryAnswer>('retrieval/library-load.ts');
  const listening = await upstream.next();
  const port = listening.kind === 'listening' ? listening.port : 0;
  const server = await startServer('parley-workerd', port, { EMBEDDING_MODEL: 'offline' });
  try {
    const address = `http://127.0.0.1:${server.port}`;
    const where = { port: server.port, folder, userId: OWNER, atOnce: 4 };
    const { count } = await load.ask({ kind: 'ingest', ...where });
    const { queries } = await readCorpus(folder);
    const search = (mode: string) => (index: number) => {
      const query = queries[index % queries.length]?.text ?? '';
      return answered(`${address}/retrieve`, { user_id: OWNER, query, k: K, mode });
    };
    const costs = await costsOf(server, [
      { name: 'idle', ask: () => answered(`${address}/health`) },
      { name: 'hybrid', ask: search('hybrid') },
      { name: 'keyword', ask: search('keyword') },
      { name: 'vector', ask: search('vector') },
    ]);
    const idle = costs.get('idle') ?? 0;
    console.log(`CPU of workerd for a search of ${count} documents, k ${K}, in ms`);
    console.table(
      Object.fromEntries(
        [...costs].map(([name, each]) => [
          name,
          { CPU: each.toFixed(1), net: (each - idle).toFixed(1) },
        ]),
      ),
    );
  } finally {
    load.stop();
    upstream.stop();
    await server.stop();
  }
}
