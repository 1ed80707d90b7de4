/** Preparing documents on Node: what takes long does so in a thread of its own, so that the answers that stream meanwhile do not stand still. */
import { Worker } from 'node:worker_threads';
import { failureOf, ParleyError, type Failure } from '../chat/errors.ts';
import { unreadable } from '../retrieval/pdf.ts';
import { prepare, type Prepare, type Prepared } from '../retrieval/prepare.ts';
import type { Sent } from '../retrieval/extract.ts';

/** Bytes or UTF-16 units of text that are prepared at once: some milliseconds. */
const SMALL = 50_000;
/** A document that takes longer than that is none that anybody meant. */
const TIME_LIMIT_MS = 90_000;
/** A document of the largest size takes a quarter of it; one that unpacks to more is not let. */
const MEMORY_LIMIT_MB = 1_024;

/** What the thread answers. */
export type Answer = { prepared: Prepared } | { failure: Failure };

export const prepareOnNode: Prepare = async (sent) => {
  const isText = typeof sent.content === 'string' || !isPdf(sent.content);
  if (isText && sent.content.length <= SMALL)
    return prepare(sent, () => Promise.reject(new TypeError('a PDF is read in a thread')));
  const answer = await inThread(sent);
  if ('prepared' in answer) return answer.prepared;
  throw new ParleyError(answer.failure);
};

function isPdf(bytes: Uint8Array): boolean {
  return new TextDecoder('latin1').decode(bytes.subarray(0, 1024)).includes('%PDF-');
}

function inThread(sent: Sent): Promise<Answer> {
  const thread = new Worker(new URL('node-prepare-thread.ts', import.meta.url), {
    workerData: sent,
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_LIMIT_MB },
    // The library warns of what it does not find there.
    stdout: true,
    stderr: true,
  });
  return new Promise((resolve) => {
    const give = (answer: Answer) => {
      clearTimeout(timer);
      resolve(answer);
      void thread.terminate();
    };
    const refuse = (detail: string) => give({ failure: failureOf(unreadable(detail)) });
    const timer = setTimeout(() => refuse('The document takes too long to read'), TIME_LIMIT_MS);
    thread.once('message', give);
    thread.once('error', () => refuse('The document cannot be read'));
    thread.once('exit', () => refuse('The document cannot be read'));
  });
}
