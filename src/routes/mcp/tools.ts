/** The tools that this server offers to clients of MCP, and calls of them. */
import { z } from 'zod';
import { withUser } from '../../actions/client-chat.ts';
import { failureOf, ParleyError } from '../../core/errors.ts';
import { failedResult, structuredResult } from '../../wire/mcp-answer.ts';
import { actionContext, type AppContext } from '../shared/dependencies.ts';
import { ASK, ask } from './ask.ts';
import { failed, INVALID_PARAMS, said, type Asked, type Said } from './json-rpc.ts';
import { READING_TOOLS } from './reading-tools.ts';

/** The tools, as a client's model is told of them. */
export const TOOLS = [
  { ...ASK, annotations: annotated(false) },
  ...Object.entries(READING_TOOLS).map(([name, { description, inputSchema }]) => ({
    name,
    description,
    inputSchema,
    annotations: annotated(true),
  })),
];

function annotated(readOnlyHint: boolean) {
  return { readOnlyHint, destructiveHint: false, openWorldHint: false };
}

/** Calls a tool. What goes wrong in it is a result, so that the client's model can read it. */
export async function call(
  c: AppContext,
  params: Record<string, unknown>,
  asked: Asked,
): Promise<Response | Said> {
  const { name, arguments: input = {} } = params;
  const known =
    typeof name === 'string' && (name === ASK.name || Object.hasOwn(READING_TOOLS, name));
  if (!known) {
    const message = `There is no tool ${String(name).slice(0, 100)}`;
    return failed({ code: INVALID_PARAMS, message });
  }
  try {
    if (name === ASK.name) return await ask(c, input, asked);
    const output = await READING_TOOLS[name]?.run(input, withUser(actionContext(c)));
    return said(asked, structuredResult(output ?? {}));
  } catch (error) {
    const text = mistakeIn(error);
    if (text === undefined) throw error;
    return said(asked, failedResult(text));
  }
}

/** Returns what a client may be told of an error; undefined for one that is ours. */
function mistakeIn(error: unknown): string | undefined {
  if (error instanceof z.ZodError)
    return error.issues.map(({ path, message: text }) => `${path.join('.')}: ${text}`).join('; ');
  const isTold = error instanceof ParleyError && error.code !== 'unauthenticated';
  return isTold ? failureOf(error).detail : undefined;
}
