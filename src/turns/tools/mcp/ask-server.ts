/** Asks an MCP server: each time by a connection of its own, so that none outlives its turn. */
import type { MCPClient } from '@ai-sdk/mcp';
import type { McpServer } from '../../../core/mcp-server.ts';
import { unlessAborted } from '../../accept/conversation-queue.ts';
import { boundedFetch } from './bounded-fetch.ts';
import type { McpAccess } from './library.ts';

/**
 * Connects, asks and disconnects.
 * @param signal ends it all when it is aborted, whatever the server does
 */
export async function askServer<Answer>(
  { url, headers }: McpServer,
  { load, fetch }: McpAccess,
  signal: AbortSignal,
  ask: (client: MCPClient) => Promise<Answer>,
): Promise<Answer> {
  const { createMCPClient } = await load();
  const transport = { type: 'http' as const, url, headers, fetch: boundedFetch(fetch) };
  const connecting = createMCPClient({
    transport,
    clientName: 'parley',
    initializationOptions: { signal },
    // What is not asked for is of no interest; whatever fails is told to whoever asked.
    onUncaughtError: () => undefined,
  });
  const asking = connecting.then(ask);
  const disconnect = async () => (await connecting).close();
  try {
    return await unlessAborted(asking, signal);
  } finally {
    asking.catch(() => undefined);
    disconnect().catch(() => undefined);
  }
}
