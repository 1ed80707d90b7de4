/**
 * Tools that a model may call during its answer. To add one, write a file like
 * `search-documents.ts` and list it in `registry.ts`.
 */
import type { z } from 'zod';
import type { Conversation } from '../../core/conversation.ts';
import type { Logger } from '../../core/logger.ts';
import type { ClientTool, TurnParameters } from '../../core/parameters.ts';
import type { Json } from '../../core/parts.ts';
import type { ChatModel } from '../../models/chat/registry.ts';
import type { Database } from '../../store/database.ts';
import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import type { TurnTrace } from '../run/turn-trace.ts';
import type { Retriever } from '../retriever.ts';

export interface Tool<Input extends z.ZodType = z.ZodType> {
  name: string;
  /** Tells the model what the tool does and when to use it. */
  description: string;
  input: Input;
  /**
   * Runs the tool.
   * @returns the result for the model, which is stored with the message and seen by clients
   * @throws any error: the model learns that the tool failed, and the log says why
   */
  run(input: z.output<Input>, dependencies: ToolDependencies): Promise<Json>;
}

/** The dependencies of a tool, which may use the data of the conversation's owner only. */
export interface ToolDependencies {
  conversation: Conversation;
  retriever: Retriever;
  db: Database;
  /** Aborted when the turn is stopped or the time limit ran out; the result is then ignored. */
  signal: AbortSignal;
}

/** What the calls of a turn are handled with. */
export interface ToolContext extends Omit<ToolDependencies, 'signal'> {
  tools: OfferedTools;
  log: Logger;
  trace?: TurnTrace | undefined;
}

/** The tools that a turn offers. */
export interface OfferedTools {
  /** Ours, which run here. */
  byName: ReadonlyMap<string, Tool>;
  /** Those of ours that run only if the user allows it. */
  needsApproval(name: string): boolean;
  /** The client's, which it runs itself. */
  client: ReadonlyMap<string, ClientTool>;
  /** False for a model that is known to refuse tools, and earlier calls with them. */
  takesCalls: boolean;
  /** The options of a model call that offer the tools; empty when there are none. */
  options: Pick<LanguageModelV4CallOptions, 'tools' | 'toolChoice'>;
}

export interface ToolRegistry {
  /** All of our tools, for calls that were made earlier. */
  readonly all: OfferedTools;
  /**
   * Returns the tools to offer.
   * @param hasSearchableContent whether the user has anything that a tool could search
   */
  toolsFor(turn: {
    conversation: Conversation;
    model: ChatModel;
    hasSearchableContent: boolean;
    parameters?: TurnParameters;
  }): Promise<OfferedTools>;
  /** Returns true when `error` may mean that the model takes no tools. */
  mayBeRefusal(error: unknown): boolean;
  /** Remembers that the model failed with `error` and answered when it was offered no tools. */
  learnRefusal(model: ChatModel, error: unknown): void;
}

/** Defines a tool and hides its input type, which its own schema checks before each run. */
export function defineTool<Input extends z.ZodType>(tool: Tool<Input>): Tool {
  return { ...tool, run: (input, dependencies) => tool.run(tool.input.parse(input), dependencies) };
}
