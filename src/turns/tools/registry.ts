/** The registry of tools; it decides which of them a turn offers. */
import type { LanguageModelV4FunctionTool } from '@ai-sdk/provider';
import { wantsJson, type ClientTool, type TurnParameters } from '../../core/parameters.ts';
import { isOffline } from '../../models/chat/catalog.ts';
import { isLastingRefusal, isToolRefusal } from '../../models/tool-refusal.ts';
import type { McpServers } from './mcp/mcp-servers.ts';
import { searchConversations } from './search-conversations.ts';
import { searchDocuments } from './search-documents.ts';
import type { ListedTool, OfferedTools, Tool, ToolRegistry } from './tool.ts';

/** The tools that a model may use in `open` mode. */
const TOOLS: readonly Tool[] = [searchDocuments, searchConversations];

/**
 * The time for which a failure that may have had another cause counts as a refusal of tools, in
 * milliseconds.
 */
const DOUBTFUL_REFUSAL_MS = 10 * 60_000;

const NONE: OfferedTools = {
  byName: new Map(),
  needsApproval: () => false,
  client: new Map(),
  isOursAlone: true,
  takesCalls: true,
  options: {},
};

interface ToolRegistryOptions {
  tools?: readonly Tool[];
  /** The names of the tools that run only when their user allows it. */
  approval?: readonly string[] | undefined;
  /** Servers that have further tools; undefined where there are none. */
  servers?: McpServers | undefined;
}

/** Creates a registry. */
export function createToolRegistry({
  tools = TOOLS,
  approval = [],
  servers,
}: ToolRegistryOptions = {}): ToolRegistry {
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  const builtIn: OfferedTools = {
    ...NONE,
    byName,
    needsApproval: (name) => approval.includes(name),
  };
  /**
   * The tools as models see them. They are described when first offered, so the SDK is not loaded
   * before.
   */
  let offered: Promise<OfferedTools> | undefined;
  const offer = async (): Promise<OfferedTools> => ({
    ...builtIn,
    options: { tools: await Promise.all(tools.map(describe)), toolChoice: { type: 'auto' } },
  });
  const withOffered = async (ours: OfferedTools) =>
    servers ? withServers(ours, servers, await servers.tools()) : ours;
  /** The time until which a model that refused tools is offered none, by the model's name. */
  const refusing = new Map<string, number>();
  return {
    all: () => withOffered(builtIn),
    async list() {
      const all = await withOffered(builtIn);
      const listed = await Promise.all(
        [...all.byName.values()].map((tool) => listing(tool, all.needsApproval(tool.name))),
      );
      return { tools: listed, servers: servers?.states() ?? [] };
    },
    async toolsFor({ conversation, model, hasSearchableContent, parameters = {} }) {
      const isRefusing = Date.now() < (refusing.get(model.name) ?? 0);
      const mayOffer =
        conversation.mode === 'open' && !isRefusing && takesToolsWith(parameters, model.name);
      const mayOfferOwn = mayOffer && hasSearchableContent && !isOffline(model.name);
      const own = mayOfferOwn ? await (offered ??= offer()) : NONE;
      const all = mayOffer ? await withOffered(own) : own;
      const ours = parameters.without_approvals ? withoutApprovals(all) : all;
      if (parameters.tools) return withClients(ours, parameters.tools);
      return isRefusing ? { ...ours, takesCalls: false } : ours;
    },
    mayBeRefusal: isToolRefusal,
    learnRefusal(model, error) {
      const forMs = isLastingRefusal(error) ? Infinity : DOUBTFUL_REFUSAL_MS;
      refusing.set(model.name, Date.now() + forMs);
    },
  };
}

/** Groq and Gemini write JSON by a schema, or call tools, but not both. */
function takesToolsWith(parameters: TurnParameters, model: string): boolean {
  return !wantsJson(parameters) || !/^(?:groq|google)\//.test(model);
}

/** Adds the tools of servers to those of ours. */
async function withServers(
  ours: OfferedTools,
  servers: McpServers,
  tools: readonly Tool[],
): Promise<OfferedTools> {
  if (tools.length === 0) return ours;
  const described = await Promise.all(tools.map(describe));
  return {
    ...ours,
    byName: new Map([...ours.byName, ...tools.map((tool) => [tool.name, tool] as const)]),
    needsApproval: (name) => ours.needsApproval(name) || servers.needsApproval(name),
    isOursAlone: false,
    options: {
      tools: [...(ours.options.tools ?? []), ...described],
      toolChoice: { type: 'auto' },
    },
  };
}

/** Leaves out the tools that run only when their user allows it. */
function withoutApprovals(offered: OfferedTools): OfferedTools {
  const tools = offered.options.tools?.filter(({ name }) => !offered.needsApproval(name)) ?? [];
  return { ...offered, options: tools.length === 0 ? {} : { ...offered.options, tools } };
}

function withClients(ours: OfferedTools, tools: readonly ClientTool[]): OfferedTools {
  return {
    ...ours,
    isOursAlone: false,
    client: new Map(tools.map((tool) => [tool.name, tool])),
    options: {
      tools: [...tools.map(describeClients), ...(ours.options.tools ?? [])],
      toolChoice: { type: 'auto' },
    },
  };
}

function describeClients(tool: ClientTool): LanguageModelV4FunctionTool {
  const { name, description, input_schema: inputSchema, strict } = tool;
  return {
    type: 'function',
    name,
    description,
    inputSchema,
    ...(strict === undefined ? {} : { strict }),
  };
}

async function listing(tool: Tool, needsApproval: boolean): Promise<ListedTool> {
  const { name, description, server } = tool;
  return { name, description, server, needsApproval, inputSchema: await tool.inputSchema() };
}

/** Returns the tool as the SDK describes it to a model. */
async function describe(tool: Tool): Promise<LanguageModelV4FunctionTool> {
  const { name, description } = tool;
  return { type: 'function', name, description, inputSchema: await tool.inputSchema() };
}
