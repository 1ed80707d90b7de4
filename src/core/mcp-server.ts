/** MCP servers, whose tools models may use. */

/** A server as the operator names it. */
export interface McpServer {
  /** Its tools are named after it: `name__tool`. */
  name: string;
  url: string;
  /** Sent with every request to it. */
  headers?: Record<string, string>;
  /** Its tools that run only when their user allows it; none unless said. */
  approval?: 'always' | 'never' | string[];
  /** The longest time for a call, in milliseconds. */
  timeout_ms?: number;
}

/** Returns the name by which models and clients know a tool of a server. */
export function mcpToolName(server: string, tool: string): string {
  return `${server}__${tool}`;
}
