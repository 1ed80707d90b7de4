/** The server on Workers: the same app, with turns and sockets in Durable Objects. */
import { createApp } from '../../app.ts';
import { newId } from '../../core/ids.ts';
import { hasTenants } from '../../core/tenant.ts';
import { ConfigError } from '../../config.ts';
import { problemResponse } from '../../wire/problem.ts';
import { WorkerSockets } from './websocket-object.ts';
import { telemetryReady } from './telemetry.ts';
import { createWorkerPages } from './pages.ts';
import { createWorkerLogger } from './log.ts';
import { loadReading } from './libraries.ts';
import { newToolRegistry } from './tools.ts';
import { dependenciesOf, settle, type WorkerEnv } from './services.ts';
import { tenantsOf, tidy } from './tenants.ts';

export { DurableRoom } from './turn-object.ts';
export { DurableSockets } from './websocket-object.ts';

/** The bindings that the runtime passes along with a request. */
interface Bindings {
  env: WorkerEnv;
  context: ExecutionContext;
}

const app = createApp(({ env, context }: Bindings) => ({
  ...dependenciesOf(env, context, undefined),
  identity: settle(env).identity,
  tenants: tenantsOf(env, context),
  sockets: new WorkerSockets(env.SOCKETS, undefined),
  pages: createWorkerPages(env.ASSETS),
  loadReading,
  loopbackOnly: settle(env).loopbackOnly,
  // The platform ends an instance by itself, and sends requests to others.
  isReady: () => true,
  listTools: () => newToolRegistry(settle(env), context).list(),
  sendTurn: (_, stream, headers) => new Response(stream.readable(), { headers }),
  sendWhole: (_, json, headers) => new Response(json, { headers }),
}));

export default {
  async fetch(request, env, context) {
    const refusal = whyNotServing(request, env);
    if (refusal) return refusal;
    const loading = telemetryReady(env);
    if (loading) await loading;
    return app.fetch(request, { env, context }, context);
  },
  async scheduled(_, env, context) {
    // Which tenants there are is not known here; each is tidied up when somebody of it comes.
    if (!hasTenants(settle(env).config.DATABASE_URL)) await tidy(env, context, undefined);
  },
} satisfies ExportedHandler<WorkerEnv>;

const AUTH_IS_MISSING =
  'AUTH must be set, since nothing else protects a Worker: keys or jwt, or none to leave it open to' +
  ' everybody';

/**
 * Returns the answer of a Worker that is not set up. It has no start that could fail, so each
 * request is told, and the log says why.
 */
function whyNotServing(request: Request, env: WorkerEnv): Response | undefined {
  const log = createWorkerLogger({ LOG_LEVEL: 'error' });
  const refuse = (detail: string) => problemResponse({ code: 'not_configured', detail }, newId());
  try {
    const isServing = settle(env).config.AUTH !== undefined;
    if (isServing || new URL(request.url).pathname === '/health') return undefined;
  } catch (error) {
    const why = error instanceof ConfigError ? error.message : error;
    log.error('the Worker cannot serve', { error: why });
    return refuse('This Worker is not configured; its log says what is missing');
  }
  log.error('the Worker cannot serve', { error: AUTH_IS_MISSING });
  return refuse(AUTH_IS_MISSING);
}
