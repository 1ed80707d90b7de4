/** The route of tools: what models may call here, and how the MCP servers stand. */
import { z } from '@hono/zod-openapi';
import { MCP_SERVER_STATES } from '../turns/tools/mcp/server-state.ts';
import type { ListedTool } from '../turns/tools/tool.ts';
import { commonProblems, json } from './shared/responses.ts';
import { createRouter, route } from './shared/router.ts';

const toolList = z
  .looseObject({
    tools: z.array(
      z.looseObject({
        name: z.string(),
        description: z.string(),
        source: z.enum(['built_in', 'mcp']),
        server: z.string().optional().openapi({ description: 'The MCP server whose tool it is' }),
        needs_approval: z.boolean(),
        input_schema: z.looseObject({}),
      }),
    ),
    servers: z.array(
      z.looseObject({
        name: z.string(),
        state: z.enum(MCP_SERVER_STATES),
        tools: z.int().openapi({ description: 'How many of its tools are offered' }),
      }),
    ),
  })
  .openapi('ToolList');

export function toolsRouter() {
  const router = createRouter();
  route(
    router,
    {
      method: 'get',
      path: '/tools',
      tags: ['tools'],
      operationId: 'listTools',
      summary: 'The tools that models may call here',
      responses: { 200: json(toolList, 'The tools and the MCP servers'), ...commonProblems },
    },
    async (c) => {
      const { tools, servers } = await c.get('dependencies').listTools();
      const shown = {
        tools: tools.map(view),
        servers: servers.map(({ name, state }) => ({
          name,
          state,
          tools: tools.filter(({ server }) => server === name).length,
        })),
      };
      return c.json(shown, 200);
    },
  );
  return router;
}

function view({ name, description, server, needsApproval, inputSchema }: ListedTool) {
  return {
    name,
    description,
    source: server === undefined ? ('built_in' as const) : ('mcp' as const),
    ...(server === undefined ? {} : { server }),
    needs_approval: needsApproval,
    input_schema: { ...inputSchema },
  };
}
