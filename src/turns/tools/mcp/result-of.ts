/** Makes an MCP server's answer to a call the result of a tool. */
import type { CallToolResult } from '@ai-sdk/mcp';
import type { Json } from '../../../core/parts.ts';
import { cleanJson } from '../../../core/safe-text.ts';
import { ToolFailure } from '../tool-result.ts';

/** The longest words of a failure, in UTF-16 units. */
const LONGEST_FAILURE = 2_000;

/**
 * Returns the result: what is structured, else the text, else all that there is but the bytes of
 * images and sounds.
 * @throws ToolFailure when the server says that the call has failed
 */
export function resultOf(result: CallToolResult): Json {
  // It came as JSON.
  const { content, structuredContent, isError, toolResult } = result as Record<string, Json>;
  const parts = Array.isArray(content) ? content.map(withoutBytes) : [];
  const texts = parts.map(textOf);
  const isText = parts.length > 0 && texts.every((text) => text !== undefined);
  if (isError === true)
    throw new ToolFailure(texts.filter(Boolean).join('\n').slice(0, LONGEST_FAILURE));
  const output = structuredContent ?? (isText ? texts.join('\n') : undefined) ?? toolResult;
  return cleanJson(output ?? parts);
}

function textOf(part: Json): string | undefined {
  if (!isObject(part) || part['type'] !== 'text') return undefined;
  return typeof part['text'] === 'string' ? part['text'] : undefined;
}

/** Models are told of an image or a sound, and are not sent it. */
function withoutBytes(part: Json): Json {
  if (!isObject(part)) return part;
  const { data, blob, resource, ...rest } = part;
  if (data !== undefined || blob !== undefined) return { ...rest, omitted: true };
  return resource === undefined ? rest : { ...rest, resource: withoutBytes(resource) };
}

function isObject(value: Json | undefined): value is { [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
