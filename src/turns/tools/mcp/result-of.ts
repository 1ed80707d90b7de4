/** Makes an MCP server's answer to a call the result of a tool. */
import type { CallToolResult } from '@ai-sdk/mcp';
import { bytesOfBase64 } from '../../../core/base64.ts';
import type { Json } from '../../../core/parts.ts';
import { cleanJson } from '../../../core/safe-text.ts';
import type { ToolDependencies } from '../tool.ts';
import { ToolFailure } from '../tool-result.ts';

type Keep = ToolDependencies['keep'];

/** The longest words of a failure, in UTF-16 units. */
const LONGEST_FAILURE = 2_000;

/**
 * Returns the result: what is structured, else the text, else all that there is. Images and sounds
 * are kept as files; no other bytes are.
 * @throws ToolFailure when the server says that the call has failed
 */
export async function resultOf(result: CallToolResult, keep: Keep): Promise<Json> {
  // It came as JSON.
  const { content, structuredContent, isError, toolResult } = result as Record<string, Json>;
  const given = Array.isArray(content) ? content : [];
  const texts = given.map(textOf);
  const isText = given.length > 0 && texts.every((text) => text !== undefined);
  if (isError === true)
    throw new ToolFailure(texts.filter(Boolean).join('\n').slice(0, LONGEST_FAILURE));
  const parts = await Promise.all(given.map((part) => withoutBytes(part, keep)));
  const output = structuredContent ?? (isText ? texts.join('\n') : undefined) ?? toolResult;
  return cleanJson(output ?? parts);
}

function textOf(part: Json): string | undefined {
  if (!isObject(part) || part['type'] !== 'text') return undefined;
  return typeof part['text'] === 'string' ? part['text'] : undefined;
}

/** Returns a part with the id of the file that has its bytes, or a word that none has. */
async function withoutBytes(part: Json, keep: Keep): Promise<Json> {
  if (!isObject(part)) return part;
  const { data, blob, resource, ...rest } = part;
  const bytes = data ?? blob;
  if (bytes === undefined)
    return resource === undefined
      ? rest
      : { ...rest, resource: await withoutBytes(resource, keep) };
  const decoded = typeof bytes === 'string' ? bytesOfBase64(bytes) : undefined;
  const file = decoded && (await keep(decoded));
  return file
    ? { ...rest, mimeType: file.mime_type, file_id: file.file_id }
    : { ...rest, omitted: true };
}

function isObject(value: Json | undefined): value is { [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
