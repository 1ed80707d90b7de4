// This is the thread of `prepare.ts`; it prepares the one document that it is started with.
import { parentPort, workerData } from 'node:worker_threads';
import { failureOf } from '../../core/errors.ts';
import { prepare } from '../../documents/prepare.ts';
import type { Sent } from '../../documents/extract.ts';
import { libraries } from './libraries.ts';
import type { Answer } from './prepare.ts';

async function answer(sent: Sent): Promise<Answer> {
  try {
    return { prepared: await prepare(sent, libraries) };
  } catch (error) {
    return { failure: failureOf(error) };
  }
}

// Only `prepare.ts` sends this.
parentPort?.postMessage(await answer(workerData as Sent), []);
