import type { Json, Part, ResultFile } from '../../core/parts.ts';

/** The answer of a tool, or the reason why there is none. */
export interface ToolResult {
  output: Json;
  isError: boolean;
  /** The images and sounds among it. */
  files?: ResultFile[];
}

/** Returns the result of a call that failed. */
export function failed(error: string): ToolResult {
  return { output: { error }, isError: true };
}

/** Returns the part of the answer that a result becomes. */
export function resultPart(
  tool_call_id: string,
  { output, isError, files }: ToolResult,
): Extract<Part, { type: 'tool_result' }> {
  return {
    type: 'tool_result',
    tool_call_id,
    output,
    ...(isError ? { is_error: true } : {}),
    ...(files ? { files } : {}),
  };
}

/** Thrown by a tool that says itself why it has failed; the model and the client are told. */
export class ToolFailure extends Error {
  override readonly name = 'ToolFailure';
}
