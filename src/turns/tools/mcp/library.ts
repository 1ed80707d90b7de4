/** The library that speaks MCP, which is loaded when a server is first asked. */
import type { createMCPClient } from '@ai-sdk/mcp';

export interface McpLibrary {
  createMCPClient: typeof createMCPClient;
}

/** The inputs of a request to a server. */
export interface McpAccess {
  load: () => Promise<McpLibrary>;
  fetch: typeof globalThis.fetch;
}
