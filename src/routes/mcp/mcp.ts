/**
 * MCP for clients that bring the user's conversations and documents into other programs: protocol
 * 2026-07-28, which has no sessions, and `initialize` for clients of the versions before.
 */
import { z } from '@hono/zod-openapi';
import { userOf, withUser } from '../../actions/client-chat.ts';
import { failureOf, ParleyError } from '../../core/errors.ts';
import { failureHead } from '../../wire/problem.ts';
import { nameClient } from '../shared/client-user.ts';
import { actionContext, type AppContext } from '../shared/dependencies.ts';
import { about } from '../shared/version.ts';
import { idempotencyKey } from '../shared/idempotency-key.ts';
import { failureOfRequest } from '../shared/render-error.ts';
import { HAS_NO_CURSORS } from '../shared/response-docs.ts';
import { body, commonProblems, json } from '../shared/responses.ts';
import { createRouter, route } from '../shared/router.ts';
import * as schemas from '../shared/schemas.ts';
import { MCP_TOOLS } from './tools.ts';

const CURRENT = '2026-07-28';
/** The versions before it that are spoken, the newest first. */
const EARLIER = ['2025-11-25', '2025-06-18', '2025-03-26'];
/** Milliseconds for which a client may keep the list of tools: it changes with releases alone. */
const LIST_TTL_MS = 3_600_000;

const METHOD_NOT_FOUND = -32_601;
const INVALID_PARAMS = -32_602;
const INVALID_REQUEST = -32_600;
const INTERNAL_ERROR = -32_603;

const message = z
  .looseObject({
    jsonrpc: z.literal('2.0'),
    id: z.union([z.string().max(200), z.number()]).optional(),
    method: z.string().max(200),
    params: z.looseObject({}).optional(),
  })
  .openapi('McpMessage');

const answered = z
  .looseObject({
    jsonrpc: z.literal('2.0'),
    id: z.union([z.string(), z.number(), z.null()]),
    result: z.looseObject({}).optional(),
    error: z.looseObject({ code: z.int(), message: z.string() }).optional(),
  })
  .openapi('McpAnswer');

/** Describes problems in the form of JSON-RPC. */
function asAnswers(problems: Readonly<Record<number, { description: string }>>) {
  return Object.fromEntries(
    Object.entries(problems).map(([status, { description }]) => {
      const code = Number(status) < 500 ? INVALID_REQUEST : INTERNAL_ERROR;
      const example = { jsonrpc: '2.0', id: null, error: { code, message: description } };
      const content = { 'application/json': { schema: answered, example } };
      return [status, { description, content }];
    }),
  );
}

type Message = z.output<typeof message>;

/** What a request gets: a result, or an error with its code. */
type Said = { result: object } | { error: { code: number; message: string } };

export function mcpRouter() {
  const router = createRouter({ renderError });
  route(
    router,
    {
      method: 'post',
      path: '/mcp',
      tags: ['mcp'],
      [HAS_NO_CURSORS]: true,
      operationId: 'callMcp',
      summary: 'A message of a client of MCP',
      request: { query: schemas.ownerQuery, body: body(message) },
      responses: {
        200: json(answered, 'The answer to a request'),
        202: { description: 'A notification was taken' },
        ...asAnswers(commonProblems),
      },
    },
    async (c) => {
      nameClient(c, {});
      const given = c.req.valid('json');
      const { id } = given;
      if (id === undefined) return c.body(null, 202);
      return c.json({ jsonrpc: '2.0' as const, id, ...(await answer(c, given)) });
    },
  );
  return router;
}

async function answer(c: AppContext, given: Message): Promise<Said> {
  const { method, params = {} } = given;
  switch (method) {
    case 'server/discover':
      return complete({ supportedVersions: [CURRENT], ...ourselves() });
    case 'initialize': {
      const asked = String(params['protocolVersion']);
      const protocolVersion = EARLIER.includes(asked) ? asked : EARLIER[0];
      return { result: { protocolVersion, ...ourselves() } };
    }
    case 'ping':
      return complete({});
    case 'tools/list':
      return complete({ tools: listed(), ttlMs: LIST_TTL_MS, cacheScope: 'public' });
    case 'tools/call':
      return call(c, params);
    default:
      return failed(METHOD_NOT_FOUND, `There is no method ${method.slice(0, 100)}`);
  }
}

function complete(result: object): Said {
  return { result: { resultType: 'complete', ...result } };
}

function failed(code: number, text: string): Said {
  return { error: { code, message: text } };
}

function ourselves() {
  return {
    capabilities: { tools: {} },
    serverInfo: { name: about.name, version: about.version },
    instructions: 'Conversations and documents of a user, and an assistant that knows them.',
  };
}

function listed() {
  return Object.entries(MCP_TOOLS).map(([name, { description, inputSchema, isReadOnly }]) => ({
    name,
    description,
    inputSchema,
    annotations: { readOnlyHint: isReadOnly, destructiveHint: false, openWorldHint: false },
  }));
}

/** Calls a tool. What goes wrong in it is a result, so that the client's model can read it. */
async function call(c: AppContext, params: Record<string, unknown>): Promise<Said> {
  const name = String(params['name']);
  const tool = Object.hasOwn(MCP_TOOLS, name) ? MCP_TOOLS[name] : undefined;
  if (!tool) return failed(INVALID_PARAMS, `There is no tool ${name.slice(0, 100)}`);
  try {
    const context = withUser(actionContext(c));
    const idempotency = await idempotencyKey(c, { scope: userOf(context.principal) });
    const output = await tool.run(params['arguments'] ?? {}, context, idempotency);
    const content = [{ type: 'text', text: JSON.stringify(output) }];
    return complete({ content, structuredContent: output });
  } catch (error) {
    const text = mistakeIn(error);
    if (text === undefined) throw error;
    return complete({ content: [{ type: 'text', text }], isError: true });
  }
}

/** Returns what a client may be told of an error; undefined for one that is ours. */
function mistakeIn(error: unknown): string | undefined {
  if (error instanceof z.ZodError)
    return error.issues.map(({ path, message: text }) => `${path.join('.')}: ${text}`).join('; ');
  const isTold = error instanceof ParleyError && error.code !== 'unauthenticated';
  return isTold ? failureOf(error).detail : undefined;
}

/** Renders an error of a whole request in the form of JSON-RPC, with the status of its problem. */
function renderError(error: Error, c: AppContext): Response {
  const failure = failureOfRequest(error, c);
  const { status, headers } = failureHead(failure);
  headers.set('Content-Type', 'application/json');
  const code = status < 500 ? INVALID_REQUEST : INTERNAL_ERROR;
  const told = { jsonrpc: '2.0', id: null, error: { code, message: failure.detail } };
  return new Response(JSON.stringify(told), { status, headers });
}
