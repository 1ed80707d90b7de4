/**
 * Tools on Workers: each object and each request asks MCP servers itself, and all share what they
 * know.
 */
import type { KnownServers } from '../../turns/tools/mcp/mcp-servers.ts';
import type { ToolRegistry } from '../../turns/tools/tool.ts';
import { toolRegistryOf } from '../services.ts';
import { loadMcp } from './libraries.ts';
import type { Settled } from './services.ts';

/** All that is known of MCP servers in this isolate. */
const known: KnownServers = new Map();

/**
 * Makes a registry, whose requests to servers belong to the request or object that it is made for.
 * @param context keeps them alive when that is over
 */
export function newToolRegistry(
  { config, log }: Settled,
  context: Pick<ExecutionContext, 'waitUntil'>,
): ToolRegistry {
  const defer = (work: Promise<void>) => context.waitUntil(work);
  return toolRegistryOf(config, { load: loadMcp, log, known, defer });
}
