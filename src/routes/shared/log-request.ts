/** Logs one line for each request, when it is answered or when its stream begins. */
import type { MiddlewareHandler } from 'hono';
import type { Logger, LogLevel } from '../../core/logger.ts';
import type { Principal } from '../../core/principal.ts';
import type { TurnAddress } from '../../turns/turn-service.ts';
import type { AppContext, AppEnv } from './dependencies.ts';

/** UTF-16 units: a path that no route knows may be anything. */
const LONGEST_PATH = 200;
/** UTF-16 units of a part of a path: credentials are longer, and do not belong there. */
const LONGEST_ID = 64;
const NO_IDS = new RegExp(`[^/]{${LONGEST_ID + 1},}`, 'gu');
/** The paths that machines ask for every few seconds. */
const PROBES: ReadonlySet<string> = new Set(['/health', '/ready']);

/** Logs a request and its answer. The query is left out, since it may hold a message. */
export const logRequest: MiddlewareHandler<AppEnv> = async (c, next) => {
  const begunAt = performance.now();
  await next();
  logAnswer(c.get('dependencies').log, {
    ...{ method: c.req.method, path: c.req.path, begunAt },
    status: c.get('isSent') ? 200 : c.res.status,
    requestId: c.get('requestId'),
    turn: c.get('turn'),
    userId: userOf(c),
    credentialId: c.get('caller')?.proof?.id,
    tenant: c.get('caller')?.tenant,
  });
};

/** An answer whose head is on its way. */
interface Answered {
  method: string;
  path: string;
  status: number;
  /** The time when the request came, in milliseconds by this process's monotonic clock. */
  begunAt: number;
  requestId: string;
  turn?: TurnAddress | undefined;
  userId?: string | undefined;
  /** The public id of a key, session or ticket; undefined for a token. */
  credentialId?: string | undefined;
  tenant?: string | undefined;
}

/** Logs an answer. */
export function logAnswer(log: Logger, answered: Answered): void {
  const { method, path, status, begunAt, requestId, turn, userId, credentialId, tenant } = answered;
  log[levelOf(status, path)]('request', {
    method,
    path: path.length > LONGEST_ID ? pathToLog(path) : path,
    status,
    ms: Math.round(performance.now() - begunAt),
    request_id: requestId,
    turn_id: turn?.turnId,
    conversation_id: turn?.conversationId,
    user_id: userId,
    credential_id: credentialId,
    tenant,
  });
}

function pathToLog(path: string): string {
  return path.replace(NO_IDS, '***').slice(0, LONGEST_PATH);
}

/** Returns the user that was called for; undefined where the request was refused before. */
function userOf(c: AppContext): string | undefined {
  // Not set yet where a request was refused early, which its type does not say.
  return (c.get('principal') as Principal | undefined)?.userId;
}

function levelOf(status: number, path: string): LogLevel {
  if (status >= 500) return 'warn';
  return PROBES.has(path) ? 'debug' : 'info';
}
