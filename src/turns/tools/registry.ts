/** The registry of tools: which there are, and which a turn offers. */
import { z } from 'zod';
import { OFFLINE_MODEL } from '../../models/chat/catalog.ts';
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
  const offered: OfferedTools = {
    byName: new Map(tools.map((tool) => [tool.name, tool])),
    options: { tools: tools.map(describe), toolChoice: { type: 'auto' } },
  };
  /** Until when the models that refused tools are offered none, by name. */
  const refusing = new Map<string, number>();
  return {
    toolsFor({ conversation, model, hasSearchableContent }) {
      const isOffered =
        conversation.mode === 'open' && hasSearchableContent && model.name !== OFFLINE_MODEL;
      return isOffered && !(Date.now() < (refusing.get(model.name) ?? 0)) ? offered : NONE;
    },
    mayBeRefusal: isToolRefusal,
    learnRefusal(model, error) {
      const forMs = isLastingRefusal(error) ? Infinity : DOUBTFUL_REFUSAL_MS;
      refusing.set(model.name, Date.now() + forMs);
    },
  };
}

function describe({ name, description, input }: Tool) {
  // A schema of ours always is an object's; zod's type says any JSON schema.
  const inputSchema = z.toJSONSchema(input, { io: 'input' }) as { type: 'object' };
  return { type: 'function' as const, name, description, inputSchema };
}
