/** A tool: something the model may ask for in the middle of its answer. To add one, write a file like `search-documents.ts` and name it in `registry.ts`. */
import type { z } from 'zod';
import type { Conversation } from '../../core/conversation.ts';
import type { Json } from '../../core/parts.ts';
import type { ChatModel } from '../../models/chat/registry.ts';
import type { Database } from '../../store/database.ts';
import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import type { Retriever } from '../retriever.ts';

export interface Tool<Input extends z.ZodType = z.ZodType> {
  name: string;
  /** For the model: what it does and when to use it. */
  description: string;
  input: Input;
  /**
   * @returns what the model is told; it is stored with the message and seen by clients
   * @throws whatever it likes: the model is told that the tool failed, and the log why
   */
  run(input: z.output<Input>, services: ToolServices): Promise<Json>;
}

/** What a tool works with: always the data of the conversation's owner alone. */
export interface ToolServices {
  conversation: Conversation;
  retriever: Retriever;
  db: Database;
  /** Aborted when the turn is stopped or the tool has taken too long: its result is then not waited for. */
  signal: AbortSignal;
}

/** The tools that a turn offers. */
export interface OfferedTools {
  byName: ReadonlyMap<string, Tool>;
  /** What the model's call is given; empty when there is nothing to offer. */
  options: Pick<LanguageModelV4CallOptions, 'tools' | 'toolChoice'>;
}

export interface ToolRegistry {
  /** @param hasSearchableContent whether the user has anything that a tool could search */
  toolsFor(turn: {
    conversation: Conversation;
    model: ChatModel;
    hasSearchableContent: boolean;
  }): Promise<OfferedTools>;
  /** True when `error` may say that the model does not take tools. */
  mayBeRefusal(error: unknown): boolean;
  /** The model failed by `error` and answered as soon as it was offered no tools: remembers it. */
  learnRefusal(model: ChatModel, error: unknown): void;
}

/** A tool whose own input type is forgotten: it is parsed by the tool's own schema before it runs. */
export function defineTool<Input extends z.ZodType>(tool: Tool<Input>): Tool {
  return { ...tool, run: (input, services) => tool.run(tool.input.parse(input), services) };
}
