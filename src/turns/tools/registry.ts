/** The registry of tools; it decides which of them a turn offers. */
import type { LanguageModelV4FunctionTool } from '@ai-sdk/provider';
import { wantsJson, type ClientTool, type TurnParameters } from '../../core/parameters.ts';
import { isOffline } from '../../models/chat/catalog.ts';
import { isLastingRefusal, isToolRefusal } from '../../models/tool-refusal.ts';
import { searchConversations } from './search-conversations.ts';
import { searchDocuments } from './search-documents.ts';
import type { OfferedTools, Tool, ToolRegistry } from './tool.ts';

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
  takesCalls: true,
  options: {},
};

/**
 * Creates a registry.
 * @param approval the names of the tools that run only when their user allows it
 */
export function createToolRegistry({
  tools = TOOLS,
  approval = [],
}: { tools?: readonly Tool[]; approval?: readonly string[] } = {}): ToolRegistry {
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  const all: OfferedTools = { ...NONE, byName, needsApproval: (name) => approval.includes(name) };
  /**
   * The tools as models see them. They are described when first offered, so the SDK is not loaded
   * before.
   */
  let offered: Promise<OfferedTools> | undefined;
  const offer = async (): Promise<OfferedTools> => ({
    ...all,
    options: { tools: await Promise.all(tools.map(describe)), toolChoice: { type: 'auto' } },
  });
  const offeredTo = async ({ without_approvals: asksNobody }: TurnParameters) => {
    const ours = await (offered ??= offer());
    return asksNobody && approval.length > 0 ? withoutApprovals(ours) : ours;
  };
  /** The time until which a model that refused tools is offered none, by the model's name. */
  const refusing = new Map<string, number>();
  return {
    all,
    async toolsFor({ conversation, model, hasSearchableContent, parameters = {} }) {
      const isRefusing = Date.now() < (refusing.get(model.name) ?? 0);
      const isOffered =
        conversation.mode === 'open' &&
        hasSearchableContent &&
        !isOffline(model.name) &&
        !isRefusing &&
        takesToolsWith(parameters, model.name);
      const ours = isOffered ? await offeredTo(parameters) : NONE;
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

/** Leaves out the tools that run only when their user allows it. */
function withoutApprovals(offered: OfferedTools): OfferedTools {
  const tools = offered.options.tools?.filter(({ name }) => !offered.needsApproval(name)) ?? [];
  return { ...offered, options: tools.length === 0 ? {} : { ...offered.options, tools } };
}

function withClients(ours: OfferedTools, tools: readonly ClientTool[]): OfferedTools {
  return {
    ...ours,
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

/** Returns the tool as the SDK describes it to a model. */
async function describe({ name, description, input }: Tool): Promise<LanguageModelV4FunctionTool> {
  const { asSchema, tool } = await import('./sdk.ts');
  const { inputSchema } = tool({ description, inputSchema: input });
  const schema = await asSchema(inputSchema).jsonSchema;
  return { type: 'function', name, description, inputSchema: schema };
}
