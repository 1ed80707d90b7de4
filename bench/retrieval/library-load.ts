/**
 * Ingests and searches by HTTP, in its own process. Each question is answered with one message;
 * searches go on until the question `stop`, which is answered with how long each has taken.
 */
import { readCorpus } from './corpus.ts';

/** The server, the user whose library it is, and how many requests are open at the same time. */
interface Where {
  port: number;
  userId: string;
  /** The folder of the collection. */
  folder: string;
  atOnce: number;
}
export type LibraryQuestion =
  | ({ kind: 'ingest' | 'search' } & Where)
  /** Stops searches and ingests. */
  | { kind: 'stop' };
export interface LibraryAnswer {
  /** Documents that were taken, or searches that were answered. */
  count: number;
  seconds: number;
  /** Of the searches, in ms. */
  times: number[];
}

/** UTF-16 units of a title that the API takes. */
const LONGEST_TITLE = 200;

let isStopped = false;
let searching: Promise<number[]> = Promise.resolve([]);
let begunAt = performance.now();

async function post(port: number, path: string, body: object): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text.slice(0, 200)}`);
}

/** Runs a task again and again, so many at a time, until it returns false. */
async function inParallel(atOnce: number, task: (index: number) => Promise<boolean>) {
  let next = 0;
  const worker = async () => {
    while (!isStopped && (await task(next++)));
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

async function ingest({ port, userId, folder, atOnce }: Where): Promise<number> {
  const { documents } = await readCorpus(folder);
  begunAt = performance.now();
  let count = 0;
  await inParallel(atOnce, async (index) => {
    const document = documents[index];
    if (!document) return false;
    const { title, text } = document;
    const named = title === '' ? {} : { title: title.slice(0, LONGEST_TITLE) };
    await post(port, '/documents', { user_id: userId, text, ...named });
    count++;
    return true;
  });
  return count;
}

async function search({ port, userId, folder, atOnce }: Where): Promise<number[]> {
  const { queries } = await readCorpus(folder);
  begunAt = performance.now();
  const times: number[] = [];
  await inParallel(atOnce, async (index) => {
    const query = queries[index % queries.length]?.text ?? '';
    const sentAt = performance.now();
    await post(port, '/retrieve', { user_id: userId, query, k: 8 });
    times.push(performance.now() - sentAt);
    return true;
  });
  return times;
}

async function answerTo(question: LibraryQuestion): Promise<LibraryAnswer> {
  const took = () => (performance.now() - begunAt) / 1000;
  if (question.kind === 'ingest') {
    const count = await ingest(question);
    return { count, seconds: took(), times: [] };
  }
  if (question.kind === 'search') {
    searching = search(question);
    searching.catch(() => undefined);
    return { count: 0, seconds: 0, times: [] };
  }
  isStopped = true;
  const times = await searching;
  isStopped = false;
  searching = Promise.resolve([]);
  return { count: times.length, seconds: took(), times };
}

process.on('message', (question: LibraryQuestion) => {
  answerTo(question).then(
    (answer) => process.send?.(answer),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit(0));
