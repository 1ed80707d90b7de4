/** The state of an MCP server, and what the operator is told when that changes. */
import type { Logger } from '../../../core/logger.ts';

/**
 * `asked`: it has been asked which tools it has, and has not answered yet. `unauthorized`: it wants
 * another credential than it was sent.
 */
export const MCP_SERVER_STATES = ['ready', 'asked', 'down', 'unauthorized'] as const;
export type McpServerState = (typeof MCP_SERVER_STATES)[number];

/** The longest reason that goes into the log, in UTF-16 units. */
const LONGEST_WHY = 2_000;
/** The most errors behind one another that are looked at. */
const DEEPEST_CAUSE = 8;

interface Standing {
  state: McpServerState;
  /** The reason why further tools are not offered. */
  refused?: string;
}

/** Tells the operator what has changed, once. */
export function tellChange(
  log: Logger,
  server: string,
  { before, now, error }: { before: Standing | undefined; now: Standing; error?: unknown },
): void {
  const { state, refused = '' } = now;
  if (state !== before?.state) tellState(log, server, { before, state, error });
  if (refused !== (before?.refused ?? ''))
    log.warn('tools of an MCP server are not offered', {
      server,
      why: refused.slice(0, LONGEST_WHY),
    });
}

function tellState(
  log: Logger,
  server: string,
  { before, state, error }: { before: Standing | undefined; state: McpServerState; error: unknown },
): void {
  if (state === 'down')
    log.warn('an MCP server is down: turns go on without its tools', { server, error });
  if (state === 'unauthorized')
    log.warn('an MCP server wants a credential: turns go on without its tools', {
      server,
      hint: 'Give it one by headers in MCP_SERVERS; nobody can sign in to it from here',
    });
  if (state === 'ready' && before && before.state !== 'asked')
    log.info('an MCP server is back', { server });
}

/** Returns the state of a server that could not be asked. */
export function stateAfter(error: unknown): McpServerState {
  let cause = error;
  for (let depth = 0; depth < DEEPEST_CAUSE && cause instanceof Error; depth++) {
    if ('statusCode' in cause && (cause.statusCode === 401 || cause.statusCode === 403))
      return 'unauthorized';
    ({ cause } = cause);
  }
  return 'down';
}
