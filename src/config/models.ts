/** The settings of models: their services, what they are sent, the tools that they call. */
import { z } from 'zod';
import { FILE_KINDS } from '../core/file.ts';
import type { McpServer } from '../core/mcp-server.ts';
import { TOOL_NAMES } from '../core/tool-names.ts';
import { count, jsonOf, listOf, milliseconds, secret, url, wholeNumber } from './values.ts';

/** By names of models: the kinds of files that they take. */
const fileKinds = jsonOf(z.record(z.string(), z.array(z.enum(FILE_KINDS))));

/** A server that has tools; its name begins theirs, with two underscores between. */
const mcpServer = z.strictObject({
  name: z
    .string()
    .regex(/^(?!.*__)[A-Za-z0-9_-]{1,32}$/, 'must be letters, digits, hyphens and underscores'),
  url: z.url({ protocol: /^https?$/ }),
  headers: z.record(z.string(), z.string()).optional(),
  approval: z.union([z.enum(['always', 'never']), z.array(z.string().min(1))]).optional(),
  timeout_ms: z.int().min(1).max(300_000).optional(),
}) satisfies z.ZodType<McpServer>;

const mcpServers = jsonOf(
  z.array(mcpServer).refine((all) => new Set(all.map(({ name }) => name)).size === all.length, {
    error: 'must differ in name',
  }),
);

const hostWithPort = z
  .string()
  .toLowerCase()
  .regex(/^(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/, 'must be hosts with ports');

export const modelSettings = {
  GROQ_API_KEY: secret.optional(),
  GROQ_BASE_URL: url.optional(),
  OPENAI_API_KEY: secret.optional(),
  OPENAI_BASE_URL: url.optional(),
  OPENAI_API: z.enum(['chat', 'responses']).default('chat'),
  GOOGLE_GENERATIVE_AI_API_KEY: secret.optional(),
  GOOGLE_BASE_URL: url.optional(),
  DEFAULT_MODEL: z.string().min(1).optional(),
  EMBEDDING_MODEL: z.string().min(1).optional(),
  EMBEDDING_BASE_URL: url.optional(),
  EMBEDDING_API_KEY: secret.optional(),
  MODEL_PRICES: z.string().min(1).optional(),
  MODEL_ATTACHMENTS: fileKinds.optional(),
  ATTACHMENT_HOSTS: listOf(hostWithPort).optional(),
  MODEL_FAST_PATH: z.enum(['on', 'off']).default('on'),
  FOLLOW_FAST_PATH: z.enum(['on', 'off']).default('on'),
  HTTP_CLIENT: z.enum(['undici', 'fetch']).default('undici'),
  CONTEXT_WINDOW_MESSAGES: count(20),
  MIN_MESSAGES_TO_KEEP: count(10),
  CONTEXT_TOKEN_BUDGET: wholeNumber(1, Number.MAX_SAFE_INTEGER).optional(),
  FIRST_TOKEN_TIMEOUT_MS: milliseconds(30_000),
  IDLE_TIMEOUT_MS: milliseconds(30_000),
  TOOL_APPROVAL: listOf(z.enum(TOOL_NAMES)).optional(),
  MCP_SERVERS: mcpServers.optional(),
};
