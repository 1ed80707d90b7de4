/**
 * The parameters that a request has for the model. The names are those of
 * the API: parameters have one shape in requests, in memory and in the database.
 */
import type { MetadataFilter } from './document.ts';
import type { Json } from './parts.ts';

export const REASONING_EFFORTS = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh'] as const;
export type ReasoningEffort = (typeof REASONING_EFFORTS)[number];

/** A JSON Schema, as {@link checkSchema} accepts it. */
export type JsonSchema = { [keyword: string]: Json };

/** The form that the answer should have. */
export type ResponseFormat =
  | { type: 'text' }
  | { type: 'json_object' }
  | {
      type: 'json_schema';
      json_schema: { name: string; description?: string; schema: JsonSchema; strict?: boolean };
    };

/** The tools that a turn's first step may or must call; `name` is one of the request's. */
export type ToolChoice = 'auto' | 'none' | 'required' | { name: string };

/** A tool that the client runs: a call of it ends the turn, and the next message has its result. */
export interface ClientTool {
  name: string;
  description?: string;
  input_schema: JsonSchema;
  /** True when the model must keep to the schema exactly, where its service can see to that. */
  strict?: boolean;
}

export interface TurnParameters {
  temperature?: number;
  /** The most tokens that the model may write in the whole turn. */
  max_output_tokens?: number;
  /** Texts at which the model stops; they are not part of the answer. */
  stop?: string[];
  seed?: number;
  response_format?: ResponseFormat;
  reasoning_effort?: ReasoningEffort;
  tools?: ClientTool[];
  tool_choice?: ToolChoice;
  /** False when a step may call one tool at most. */
  parallel_tool_calls?: boolean;
  /** Only these documents may ground the answer. */
  document_ids?: string[];
  /** Only documents with these metadata may ground the answer. */
  document_metadata?: MetadataFilter;
  /** True when nobody can be asked whether a tool may run: those that need it are not offered. */
  without_approvals?: true;
  /** True where the client wants to see nothing of what the model thinks. */
  without_thoughts?: true;
  /** Instructions in place of the conversation's. */
  instructions?: string;
  /** Instructions besides those that hold. */
  more_instructions?: string;
  /** The hash of the request, where its client repeats requests by itself. */
  request?: string;
  /** Fields of the request that its API repeats in its answers; the model is not told of them. */
  shown?: { [field: string]: Json };
}

/** Returns true for an answer that should be JSON. */
export function wantsJson({ response_format: format }: TurnParameters): boolean {
  return format !== undefined && format.type !== 'text';
}
