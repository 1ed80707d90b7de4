/** The server on Workers: the same app; rooms and sockets are Durable Objects. */
import { createApp } from '../app.ts';
import { newId } from '../chat/ids.ts';
import { ConfigError } from '../config.ts';
import type { Services } from '../doors/services.ts';
import { readPdf } from '../retrieval/pdf.ts';
import { prepare } from '../retrieval/prepare.ts';
import { sweep } from '../store/turns.ts';
import { problemResponse } from '../wire/problem.ts';
import { DurableRooms } from './durable-rooms.ts';
import { WorkerSockets } from './durable-sockets.ts';
import { createWorkerPages } from './pages/worker.ts';
import { report } from './report.ts';
import { loadPdfLibrary } from './worker-pdf.ts';
import { databaseOf, settle, type WorkerEnv } from './worker-services.ts';

export { DurableRoom } from './durable-room.ts';
export { DurableSockets } from './durable-sockets.ts';

const app = createApp(servicesOf);

function servicesOf(env: WorkerEnv): Services {
  const settled = settle(env);
  return {
    ...settled,
    db: databaseOf(settled),
    prepare: (sent) => prepare(sent, async (bytes) => readPdf(await loadPdfLibrary(), bytes)),
    rooms: new DurableRooms(env.ROOMS),
    sockets: new WorkerSockets(env.SOCKETS),
    pages: createWorkerPages(env.ASSETS),
    report,
  };
}

export default {
  fetch(request, env, context) {
    try {
      settle(env);
    } catch (error) {
      // There is no start to stop: each request says that this Worker is not set up, and the log says why.
      report('the Worker cannot serve', error instanceof ConfigError ? error.message : error);
      const detail = 'This Worker is not configured; its log says what is missing';
      return problemResponse({ code: 'internal_error', detail }, newId());
    }
    return app.fetch(request, env, context);
  },
  async scheduled(_, env) {
    const settled = settle(env);
    await sweep(databaseOf(settled), settled.config.TURN_LEASE_MS);
  },
} satisfies ExportedHandler<WorkerEnv>;
