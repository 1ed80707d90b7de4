/** The server on Workers: the same app, with turns and sockets in Durable Objects. */
import { createApp } from '../../app.ts';
import { newId } from '../../core/ids.ts';
import { ConfigError } from '../../config.ts';
import { sweep } from '../../store/turns/read.ts';
import { problemResponse } from '../../wire/problem.ts';
import { WorkerSockets } from './websocket-object.ts';
import { createWorkerPages } from './pages.ts';
import { createWorkerLogger } from './log.ts';
import { databaseOf, dependenciesOf, settle, type WorkerEnv } from './services.ts';

export { DurableRoom } from './turn-object.ts';
export { DurableSockets } from './websocket-object.ts';

/** The bindings that the runtime passes along with a request. */
interface Bindings {
  env: WorkerEnv;
  context: ExecutionContext;
}

const app = createApp(({ env, context }: Bindings) => ({
  ...dependenciesOf(env, context),
  identity: settle(env).identity,
  sockets: new WorkerSockets(env.SOCKETS),
  pages: createWorkerPages(env.ASSETS),
  loopbackOnly: settle(env).loopbackOnly,
  // The platform ends an instance by itself, and sends requests to others.
  isReady: () => true,
  sendTurn: (_, stream, headers) => new Response(stream.readable(), { headers }),
}));

export default {
  fetch(request, env, context) {
    try {
      settle(env);
    } catch (error) {
      // A Worker has no start that could fail, so each request answers that it is not set up, and
      // the log says why.
      const why = error instanceof ConfigError ? error.message : error;
      createWorkerLogger({ LOG_LEVEL: 'error' }).error('the Worker cannot serve', { error: why });
      const detail = 'This Worker is not configured; its log says what is missing';
      return problemResponse({ code: 'internal_error', detail }, newId());
    }
    return app.fetch(request, { env, context }, context);
  },
  async scheduled(_, env) {
    const settled = settle(env);
    await sweep(databaseOf(settled), settled.config.TURN_LEASE_MS);
  },
} satisfies ExportedHandler<WorkerEnv>;
