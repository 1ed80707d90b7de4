/**
 * Tools that a model may call during its answer. To add one, write a file like
 * `search-documents.ts` and list it in `registry.ts`.
 */
import type { z } from 'zod';
import type { Conversation } from '../../core/conversation.ts';
import type { Logger } from '../../core/logger.ts';
import type { ClientTool, TurnParameters } from '../../core/parameters.ts';
import type { Json, ResultFile } from '../../core/parts.ts';
import type { ChatModel } from '../../models/chat/registry.ts';
import type { Database } from '../../store/database.ts';
import type { JSONSchema7, LanguageModelV4CallOptions } from '@ai-sdk/provider';
import type { McpServerState } from './mcp/server-state.ts';
import type { TurnTrace } from '../run/turn-trace.ts';
import type { Retriever } from '../retriever.ts';
import type { ResultFiles } from './result-files.ts';

export interface Tool {
  name: string;
  /** Tells the model what the tool does and when to use it. */
  description: string;
  /** Returns the JSON Schema of its input, for the model. */
  inputSchema(): Promise<JSONSchema7>;
  /** Checks an input; returns it as the tool takes it, or what is wrong with it. */
  check(input: Json | undefined): Promise<{ input: unknown } | { mistake: string }>;
  /** The MCP server whose tool it is; undefined for one of ours. */
  server?: string | undefined;
  /** The longest time for a call, in milliseconds; that of all tools unless it is set. */
  timeoutMs?: number | undefined;
  /**
   * Runs the tool.
   * @param input as {@link check} returned it
   * @returns the result for the model, which is stored with the message and seen by clients
   * @throws ToolFailure, whose words the model is told; any other error: the model learns that the
   *   tool failed, and the log says why
   */
  run(input: unknown, dependencies: ToolDependencies): Promise<Json>;
}

/** A tool of ours, with the schema of its input. */
interface OwnTool<Input extends z.ZodType> extends Pick<Tool, 'name' | 'description'> {
  input: Input;
  run(input: z.output<Input>, dependencies: ToolDependencies): Promise<Json>;
}

/** The dependencies of a tool, which may use the data of the conversation's owner only. */
export interface ToolDependencies {
  conversation: Conversation;
  retriever: Retriever;
  db: Database;
  /** Aborted when the turn is stopped or the time limit ran out; the result is then ignored. */
  signal: AbortSignal;
  /**
   * Keeps an image or a sound as a file of the result, which models that take it are sent.
   * @returns undefined where it is not kept
   */
  keep: (bytes: Uint8Array<ArrayBuffer>) => Promise<ResultFile | undefined>;
}

/** The means by which the calls of a turn are handled. */
export interface ToolContext extends Omit<ToolDependencies, 'signal' | 'keep'> {
  tools: OfferedTools;
  files: Pick<ResultFiles, 'keep'>;
  log: Logger;
  trace?: TurnTrace | undefined;
  /** The time when the turn must be over, on the clock of `performance.now()`. */
  deadline: number;
}

/** The tools that a turn offers. */
export interface OfferedTools {
  /** Those that run here: ours, and those of MCP servers. */
  byName: ReadonlyMap<string, Tool>;
  /** Those of ours that run only if the user allows it. */
  needsApproval(name: string): boolean;
  /** The client's, which it runs itself. */
  client: ReadonlyMap<string, ClientTool>;
  /** True when only built-in tools are offered, whose descriptions are short. */
  isOursAlone: boolean;
  /** False for a model that is known to refuse tools, and earlier calls with them. */
  takesCalls: boolean;
  /** The options of a model call that offer the tools; empty when there are none. */
  options: Pick<LanguageModelV4CallOptions, 'tools' | 'toolChoice'>;
}

/** A tool as clients are told of it. */
export interface ListedTool {
  name: string;
  description: string;
  server: string | undefined;
  needsApproval: boolean;
  inputSchema: JSONSchema7;
}

/** All tools that run here, and how each MCP server stands. */
export interface ToolList {
  tools: ListedTool[];
  servers: { name: string; state: McpServerState }[];
}

export interface ToolRegistry {
  /** Lists the tools that run here. A server that was never asked before is waited for. */
  list(): Promise<ToolList>;
  /** Returns all tools that run here, for calls that were made earlier. */
  all(): Promise<OfferedTools>;
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
export function defineTool<Input extends z.ZodType>(own: OwnTool<Input>): Tool {
  const { name, description, input: schema } = own;
  return {
    name,
    description,
    async inputSchema() {
      const { asSchema } = await import('./sdk.ts');
      return asSchema(schema).jsonSchema;
    },
    check(input) {
      const parsed = schema.safeParse(input);
      const checked = parsed.success
        ? { input: parsed.data }
        : { mistake: describeIssues(parsed.error) };
      return Promise.resolve(checked);
    },
    run: async (input, dependencies) => own.run(schema.parse(input), dependencies),
  };
}

function describeIssues({ issues }: z.ZodError): string {
  return issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
}
