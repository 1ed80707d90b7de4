import type { Json } from '../../core/parts.ts';

/** The answer of a tool, or the reason why there is none. */
export interface ToolResult {
  output: Json;
  isError: boolean;
}

/** Returns the result of a call that failed. */
export function failed(error: string): ToolResult {
  return { output: { error }, isError: true };
}

/** Thrown by a tool that says itself why it has failed; the model and the client are told. */
export class ToolFailure extends Error {
  override readonly name = 'ToolFailure';
}
