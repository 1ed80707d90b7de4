/** Reads which tools an MCP server has. What it says of them is text of a stranger. */
import type { ListToolsResult, MCPClient } from '@ai-sdk/mcp';
import { checkSchema } from '../../../core/json-schema/check-schema.ts';
import { isRecursive } from '../../../core/json-schema/is-recursive.ts';
import { TOOL_NAME } from '../../../core/tool-names.ts';
import type { Json } from '../../../core/parts.ts';
import { cleanJson } from '../../../core/safe-text.ts';

/** A JSON Schema. */
export type JsonSchema = { [keyword: string]: Json };

/** A tool as its server describes it, made harmless. */
export interface McpTool {
  /** The server's own name for it. */
  name: string;
  description: string;
  schema: JsonSchema;
}

/** The most pages of a list, and the most tools of a server. */
const MOST_PAGES = 10;
const MOST_TOOLS = 64;
/** The longest description of a tool, and of something in its input, in UTF-16 units. */
const LONGEST_DESCRIPTION = 2_000;
const LONGEST_TEXT = 500;
/** The longest input schema, in UTF-16 units of JSON. */
const LONGEST_SCHEMA = 20_000;

/** The tools that can be offered, and why others cannot. */
export interface ReadTools {
  tools: McpTool[];
  refused: string[];
}

/**
 * Reads the tools. A list that goes on and on is cut off, and a name that comes again is left out.
 * @param isName says whether a name, with the server's before it, is one that models take
 */
export async function readTools(
  client: MCPClient,
  signal: AbortSignal,
  fullName: (name: string) => string,
): Promise<ReadTools> {
  const read: ReadTools = { tools: [], refused: [] };
  const seen = new Set<string>();
  const cursors = new Set<string>();
  let cursor: string | undefined;
  for (let page = 0; page < MOST_PAGES; page++) {
    const params = cursor === undefined ? {} : { params: { cursor } };
    const list = await client.listTools({ ...params, options: { signal } });
    for (const definition of list.tools) {
      if (seen.has(definition.name) || read.tools.length >= MOST_TOOLS) continue;
      seen.add(definition.name);
      const mistake = addTool(definition, fullName(definition.name), read.tools);
      if (mistake) read.refused.push(mistake);
    }
    cursor = list.nextCursor;
    if (cursor === undefined || cursors.has(cursor)) break;
    cursors.add(cursor);
  }
  return read;
}

type Definition = ListToolsResult['tools'][number];

/** @returns why the tool cannot be offered; undefined when it was added */
function addTool(definition: Definition, name: string, tools: McpTool[]): string | undefined {
  if (!TOOL_NAME.test(name)) return `${JSON.stringify(name.slice(0, 80))} is no name of a tool`;
  // Whatever it is, it came as JSON.
  const schema = plain({ type: 'object', ...(definition.inputSchema as object) }, LONGEST_TEXT);
  if (!isSchema(schema)) return `${name} has no input schema`;
  if (JSON.stringify(schema).length > LONGEST_SCHEMA) return `${name} has too long a schema`;
  const mistake = checkSchema(schema);
  if (mistake) return `${name} has a schema that is none: ${mistake.message}`;
  if (isRecursive(schema)) return `${name} has a schema that leads back to itself`;
  if (schema['type'] !== 'object') return `${name} takes no object`;
  const description = plainText(definition.description ?? '', LONGEST_DESCRIPTION);
  tools.push({ name: definition.name, description, schema });
  return undefined;
}

function isSchema(value: Json): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Returns a text without what cannot be seen: control characters, and those that change the order
 * or the look of others.
 */
function plainText(text: string, longest: number): string {
  const seen = text.replace(/[^\S\n]|[\p{Cc}\u2028\u2029]/gu, (c) => (c === '\n' ? c : ' '));
  return seen
    .replace(/\p{Cf}/gu, '')
    .slice(0, longest)
    .toWellFormed()
    .trim();
}

/** Returns JSON whose texts are as {@link plainText} makes them. */
function plain(value: unknown, longest: number): Json {
  // It was parsed from JSON.
  const json = JSON.parse(JSON.stringify(value), (_, inner: unknown) =>
    typeof inner === 'string' ? plainText(inner, longest) : inner,
  ) as Json;
  return cleanJson(json);
}
