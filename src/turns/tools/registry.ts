/** The registry of tools: which there are, and which a turn offers. */
import type { LanguageModelV4FunctionTool } from '@ai-sdk/provider';
import { isOffline } from '../../models/chat/catalog.ts';
import { isLastingRefusal, isToolRefusal } from '../../models/tool-refusal.ts';
import { searchConversations } from './search-conversations.ts';
import { searchDocuments } from './search-documents.ts';
import type { OfferedTools, Tool, ToolRegistry } from './tool.ts';

/** Every tool that a model may use in `open` mode. */
const TOOLS: readonly Tool[] = [searchDocuments, searchConversations];

/** How long a failure that may have been another counts as a refusal of tools, milliseconds. */
const DOUBTFUL_REFUSAL_MS = 10 * 60_000;

const NONE: OfferedTools = { byName: new Map(), options: {} };

export function createToolRegistry(tools: readonly Tool[] = TOOLS): ToolRegistry {
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  /** Described when first offered: the SDK is not loaded before. */
  let offered: Promise<OfferedTools> | undefined;
  const offer = async (): Promise<OfferedTools> => ({
    byName,
    options: { tools: await Promise.all(tools.map(describe)), toolChoice: { type: 'auto' } },
  });
  /** Until when the models that refused tools are offered none, by name. */
  const refusing = new Map<string, number>();
  return {
    async toolsFor({ conversation, model, hasSearchableContent }) {
      const isOffered =
        conversation.mode === 'open' && hasSearchableContent && !isOffline(model.name);
      const isRefusing = Date.now() < (refusing.get(model.name) ?? 0);
      return isOffered && !isRefusing ? (offered ??= offer()) : NONE;
    },
    mayBeRefusal: isToolRefusal,
    learnRefusal(model, error) {
      const forMs = isLastingRefusal(error) ? Infinity : DOUBTFUL_REFUSAL_MS;
      refusing.set(model.name, Date.now() + forMs);
    },
  };
}

/** Returns the tool as the SDK tells a model of it. */
async function describe({ name, description, input }: Tool): Promise<LanguageModelV4FunctionTool> {
  const { asSchema, tool } = await import('./sdk.ts');
  const { inputSchema } = tool({ description, inputSchema: input });
  const schema = await asSchema(inputSchema).jsonSchema;
  return { type: 'function', name, description, inputSchema: schema };
}
