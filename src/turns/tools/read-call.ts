/** Reads a model's tool call into a part of the message. */
import type { LanguageModelV4ToolCall } from '@ai-sdk/provider';
import type { Json, Part, ProviderMetadata } from '../../core/parts.ts';
import { clean } from '../../core/safe-text.ts';

export interface ReadCall {
  part: Extract<Part, { type: 'tool_call' }>;
  /** False when the input is no JSON, for instance because the model was cut off. */
  isJson: boolean;
}

/** The longest id of a call that is kept, in UTF-16 units. */
const LONGEST_ID = 128;

/**
 * Returns the part for a call. Its strings are safe to store, and its id is the service's, made
 * different from those of earlier calls in the message: some services repeat them.
 */
export function readCall(call: LanguageModelV4ToolCall, earlier: readonly Part[]): ReadCall {
  const input = parseInput(call.input);
  return {
    part: {
      type: 'tool_call',
      tool_call_id: distinct(clean(call.toolCallId).slice(0, LONGEST_ID), earlier),
      name: clean(call.toolName),
      input: input ?? clean(call.input),
      ...metadataOf(call),
    },
    isJson: input !== undefined,
  };
}

function distinct(id: string, earlier: readonly Part[]): string {
  const isTaken = (name: string) =>
    earlier.some((part) => part.type === 'tool_call' && part.tool_call_id === name);
  let name = id;
  for (let count = 2; isTaken(name); count++) name = `${id}_${count}`;
  return name;
}

/**
 * Returns the provider's metadata of a call, which some services need back in later prompts (Gemini
 * signs the reasoning behind a call).
 */
function metadataOf({ providerMetadata }: LanguageModelV4ToolCall) {
  // The provider promises JSON, which its type does not express.
  return providerMetadata ? { provider_metadata: providerMetadata as ProviderMetadata } : {};
}

/** Parses the input and makes its strings safe to store; undefined when it is not JSON. */
function parseInput(text: string): Json | undefined {
  try {
    const parsed: Json = JSON.parse(text === '' ? '{}' : text, (_, value: unknown) =>
      typeof value === 'string' ? clean(value) : value,
    );
    return parsed;
  } catch {
    return undefined;
  }
}
