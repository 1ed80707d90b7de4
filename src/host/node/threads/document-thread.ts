// This is the thread of `document-threads.ts`: it searches and ingests with its own connection.
import { setPriority } from 'node:os';
import { workerData } from 'node:worker_threads';
import { embedQuestion } from '../../../search/retrieve.ts';
import { embeddingsOf } from '../../services.ts';
import { WriteLock } from '../database/write-lock.ts';
import { httpFetchOf } from '../http-client/http-client.ts';
import { createNodeLogger } from '../log.ts';
import { readWordVectors } from '../word-vectors.ts';
import type { DocumentTask, IngestEvent, ThreadData } from './document-threads.ts';
import { serveTasks, type TaskContext } from './serve.ts';
import { threadServices, type ThreadServices } from './thread-services.ts';

/** Lower than that of the streams, which wait for a core in less time then. */
const NICENESS = 5;

// Only on Linux is this the thread's own; elsewhere it would be the whole process's.
if (process.platform === 'linux') setPriority(0, NICENESS);

// Only `document-threads.ts` starts this thread.
const { config, lockMemory } = workerData as ThreadData;
const log = createNodeLogger(config);
const embeddings = embeddingsOf(config, { network: httpFetchOf(config), readWordVectors, log });
const lock = new WriteLock(lockMemory);
const servicesOf = await threadServices({ config, lock, embeddings, log });

serveTasks<DocumentTask>(async (task, context) => {
  const { searcher, ingester, examiner } = await servicesOf(task.tenant);
  if (task.kind === 'examine') return examiner.examine(task.file);
  if (task.kind === 'correct') return ingester.correctLanguage(task.document, task.language);
  return task.kind === 'search' ? search(searcher, task, context) : ingest(ingester, task, context);
});

type TaskOf<Kind> = Extract<DocumentTask, { kind: Kind }>;

async function search(
  searcher: ThreadServices['searcher'],
  { request, question, written }: TaskOf<'search'>,
  { signal }: TaskContext,
) {
  const asked = question ?? (await embedQuestion(request, { embeddings, log }, { signal }));
  signal.throwIfAborted();
  return searcher.searchFor(asked, request, written);
}

async function ingest(
  ingester: ThreadServices['ingester'],
  { input }: TaskOf<'ingest'>,
  context: TaskContext,
) {
  const tell = (event: IngestEvent) => context.tell(event);
  const { document, work } = await ingester.ingest(input, (called) => tell({ called }));
  tell({ accepted: document });
  return work((progress) => tell({ progress }));
}
