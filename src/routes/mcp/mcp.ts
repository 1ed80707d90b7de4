/**
 * MCP for clients that bring the user's conversations and documents into other programs: protocol
 * 2026-07-28, which has no sessions, and `initialize` for clients of the versions before.
 */
import { z } from '@hono/zod-openapi';
import { HTTPException } from 'hono/http-exception';
import { failureHead } from '../../wire/problem.ts';
import { nameClient } from '../shared/client-user.ts';
import type { AppContext } from '../shared/dependencies.ts';
import { about } from '../shared/version.ts';
import { failureOfRequest } from '../shared/render-error.ts';
import { HAS_NO_CURSORS } from '../shared/response-docs.ts';
import { body, commonProblems, eventStream, json } from '../shared/responses.ts';
import { createRouter, route } from '../shared/router.ts';
import * as schemas from '../shared/schemas.ts';
import { CURRENT, EARLIER, versionOf } from './check-version.ts';
import {
  failed,
  INTERNAL_ERROR,
  INVALID_REQUEST,
  METHOD_NOT_FOUND,
  PARSE_ERROR,
  said,
  type Asked,
  type Said,
} from './json-rpc.ts';
import { call, TOOLS } from './tools.ts';

/** Milliseconds for which a client may keep the list of tools: it changes with releases alone. */
const LIST_TTL_MS = 3_600_000;
const FOR_ALL = { ttlMs: LIST_TTL_MS, cacheScope: 'public' };

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
        200: {
          description: 'The answer to a request',
          content: {
            ...json(answered, '').content,
            ...eventStream('The answer to a call of `ask`, after comments that keep it alive.'),
          },
        },
        202: { description: 'A notification was taken' },
        ...asAnswers(commonProblems),
      },
    },
    async (c) => {
      nameClient(c, {});
      const given = c.req.valid('json');
      const { id } = given;
      if (id === undefined) return c.body(null, 202);
      const { isCurrent, refusal } = versionOf(c, given);
      const asked = { id, isCurrent, server: about, ...progressOf(given) };
      const answered = refusal ?? (await answer(c, given, asked));
      if (answered instanceof Response) return answered;
      return c.json({ jsonrpc: '2.0' as const, id, ...answered.body }, answered.status);
    },
  );
  return router;
}

/** Returns the name under which a client wants to hear of progress. */
function progressOf({ params }: Message): Pick<Asked, 'progressToken'> {
  const meta = z.object({ progressToken: z.union([z.string().max(200), z.number()]) });
  return meta.safeParse(params?.['_meta']).data ?? {};
}

async function answer(c: AppContext, given: Message, asked: Asked): Promise<Response | Said> {
  const { method, params = {} } = given;
  if (method === 'tools/list') return said(asked, { tools: TOOLS, ...cachedFor(asked) });
  if (method === 'tools/call') return call(c, params, asked);
  const result = asked.isCurrent ? discovered(method) : begun(method, params);
  if (result) return said(asked, result);
  const message = `There is no method ${method.slice(0, 100)}`;
  return failed({ code: METHOD_NOT_FOUND, message }, asked.isCurrent ? 404 : 200);
}

function cachedFor({ isCurrent }: Asked): object {
  return isCurrent ? FOR_ALL : {};
}

/** Answers what only the protocol of today has. */
function discovered(method: string): object | undefined {
  return method === 'server/discover'
    ? { supportedVersions: [CURRENT], ...ourselves(), ...FOR_ALL }
    : undefined;
}

/** Answers what only the protocols before it have. */
function begun(method: string, params: Record<string, unknown>): object | undefined {
  if (method === 'ping') return {};
  if (method !== 'initialize') return undefined;
  const version = String(params['protocolVersion']);
  const protocolVersion = EARLIER.includes(version) ? version : EARLIER[0];
  return { protocolVersion, ...ourselves(), serverInfo: about };
}

function ourselves() {
  return {
    capabilities: { tools: {} },
    instructions: 'Conversations and documents of a user, and an assistant that knows them.',
  };
}

/** Renders an error of a whole request in the form of JSON-RPC, with the status of its problem. */
function renderError(error: Error, c: AppContext): Response {
  const failure = failureOfRequest(error, c);
  const { status, headers } = failureHead(failure);
  headers.set('Content-Type', 'application/json');
  const code = codeOf(error, status);
  const told = { jsonrpc: '2.0', id: null, error: { code, message: failure.detail } };
  return new Response(JSON.stringify(told), { status, headers });
}

function codeOf(error: Error, status: number): number {
  if (error instanceof HTTPException && status === 400) return PARSE_ERROR;
  return status < 500 ? INVALID_REQUEST : INTERNAL_ERROR;
}
