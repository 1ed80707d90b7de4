// This is the thread of `document-threads.ts`: it searches and ingests with its own connection.
import { availableParallelism, setPriority, totalmem } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { workerData } from 'node:worker_threads';
import { requireRoomToEmbed } from '../../../actions/require-budget.ts';
import { createFileExaminer } from '../../../documents/examine-file.ts';
import { createIngester } from '../../../documents/ingester.ts';
import { RememberingSearcher } from '../../../search/memory/searcher.ts';
import { embedQuestion } from '../../../search/retrieve.ts';
import { embeddingsOf, limitsOf, pricesOf } from '../../services.ts';
import { openNodeDatabase } from '../database/open.ts';
import { WriteLock } from '../database/write-lock.ts';
import { httpFetchOf } from '../http-client/http-client.ts';
import { createNodeLogger } from '../log.ts';
import { readWordVectors } from '../word-vectors.ts';
import { prepareOnNode } from '../prepare.ts';
import type { DocumentTask, IngestEvent, ThreadData } from './document-threads.ts';
import { serveTasks, type TaskContext } from './serve.ts';

/** Lower than that of the streams, which wait for a core in less time then. */
const NICENESS = 5;

/**
 * The memory that the libraries of all threads may take: a share of the machine's memory, and at
 * most so many bytes for each core. A chunk takes about 1.5 KB.
 */
const SHARE_OF_MEMORY = 8;
const MOST_REMEMBERED = 1024 * 1024 * 1024;

// Only on Linux is this the thread's own; elsewhere it would be the whole process's.
if (process.platform === 'linux') setPriority(0, NICENESS);

// Only `document-threads.ts` starts this thread.
const { config, lockMemory } = workerData as ThreadData;
const log = createNodeLogger(config);
const embeddings = embeddingsOf(config, { network: httpFetchOf(config), readWordVectors, log });
const db = await openNodeDatabase(config, new WriteLock(lockMemory));
const services = { db, embeddings, log };
const searcher = new RememberingSearcher({
  ...services,
  mostBytes: Math.min(totalmem() / SHARE_OF_MEMORY, MOST_REMEMBERED) / availableParallelism(),
  pause: () => setImmediate(),
});
const prices = pricesOf(config);
const budgeted = { db, config, embeddings, prices, limits: limitsOf(config) };
const ingester = createIngester({
  ...services,
  prices,
  leaseMs: config.TURN_LEASE_MS,
  prepare: prepareOnNode,
  requireRoom: (principal, tokens) =>
    requireRoomToEmbed({ principal, dependencies: budgeted }, tokens),
});

const examiner = createFileExaminer({ db, prepare: prepareOnNode });

serveTasks<DocumentTask>((task, context) => {
  if (task.kind === 'examine') return examiner.examine(task.file);
  return task.kind === 'search' ? search(task, context) : ingest(task, context);
});

type TaskOf<Kind> = Extract<DocumentTask, { kind: Kind }>;

async function search({ request, question, written }: TaskOf<'search'>, { signal }: TaskContext) {
  const asked = question ?? (await embedQuestion(request, services, { signal }));
  signal.throwIfAborted();
  return searcher.searchFor(asked, request, written);
}

async function ingest({ input }: TaskOf<'ingest'>, context: TaskContext) {
  const tell = (event: IngestEvent) => context.tell(event);
  const { document, work } = await ingester.ingest(input, (called) => tell({ called }));
  tell({ accepted: document });
  return work((progress) => tell({ progress }));
}
