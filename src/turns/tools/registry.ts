/** The registry of tools: which there are, and which a turn offers. */
import { APICallError } from '@ai-sdk/provider';
import { z } from 'zod';
import { OFFLINE_MODEL } from '../../models/chat/catalog.ts';
import { searchConversations } from './search-conversations.ts';
import { searchDocuments } from './search-documents.ts';
import type { OfferedTools, Tool, ToolRegistry } from './tool.ts';

/** Every tool that a model may use in `open` mode. */
const TOOLS: readonly Tool[] = [searchDocuments, searchConversations];

const NONE: OfferedTools = { byName: new Map(), options: {} };

export function createToolRegistry(tools: readonly Tool[] = TOOLS): ToolRegistry {
  const offered: OfferedTools = {
    byName: new Map(tools.map((tool) => [tool.name, tool])),
    options: { tools: tools.map(describe), toolChoice: { type: 'auto' } },
  };
  /** Models that have refused tools, by name. */
  const refusing = new Set<string>();
  return {
    toolsFor({ conversation, model, hasSearchableContent }) {
      const isOffered =
        conversation.mode === 'open' && hasSearchableContent && model.name !== OFFLINE_MODEL;
      return isOffered && !refusing.has(model.name) ? offered : NONE;
    },
    mayBeRefusal: (error) => APICallError.isInstance(error) && error.statusCode === 400,
    learnRefusal: (model) => void refusing.add(model.name),
  };
}

function describe({ name, description, input }: Tool) {
  // A schema of ours always is an object's; zod's type says any JSON schema.
  const inputSchema = z.toJSONSchema(input, { io: 'input' }) as { type: 'object' };
  return { type: 'function' as const, name, description, inputSchema };
}
