/** Logs one line for each request, when it is answered or when its stream begins. */
import type { MiddlewareHandler } from 'hono';
import type { LogLevel } from '../../core/logger.ts';
import type { Principal } from '../../core/principal.ts';
import type { AppContext, AppEnv } from './dependencies.ts';

/** UTF-16 units: a path that no route knows may be anything. */
const LONGEST_PATH = 200;
/** The paths that machines ask for every few seconds. */
const PROBES: ReadonlySet<string> = new Set(['/health', '/ready']);

/** Logs a request and its answer. The query is left out, since it may hold a message. */
export const logRequest: MiddlewareHandler<AppEnv> = async (c, next) => {
  const begunAt = performance.now();
  await next();
  const { log } = c.get('dependencies');
  const { method, path } = c.req;
  const turn = c.get('turn');
  const status = c.get('isSent') ? 200 : c.res.status;
  log[levelOf(status, path)]('request', {
    method,
    path: path.slice(0, LONGEST_PATH),
    status,
    ms: Math.round(performance.now() - begunAt),
    request_id: c.get('requestId'),
    turn_id: turn?.turnId,
    conversation_id: turn?.conversationId,
    user_id: userOf(c),
  });
};

/** Returns the user that was called for; undefined where the request was refused before. */
function userOf(c: AppContext): string | undefined {
  // Not set yet where a request was refused early, which its type does not say.
  return (c.get('principal') as Principal | undefined)?.userId;
}

function levelOf(status: number, path: string): LogLevel {
  if (status >= 500) return 'warn';
  return PROBES.has(path) ? 'debug' : 'info';
}
