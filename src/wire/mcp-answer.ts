/**
 * The answer to a call of MCP's tool `ask`: as a result, or as an event stream that keeps the
 * connection alive until the result is there, so that no proxy ends a long turn.
 */
import type { Failure } from '../core/errors.ts';
import type { Outcome, TurnHead } from '../core/message.ts';
import { contentOf } from '../core/parts.ts';
import { EVENT_STREAM_HEADERS } from './sse.ts';
import { BrokenOff, type Encoder, type Wire } from './wire.ts';

/** A request of a client of MCP, as far as its answer needs it. */
export interface McpCall {
  id: string | number;
  /** The protocol is that of today, and not one with sessions. */
  isCurrent: boolean;
  /** The server, which each result of the protocol of today names. */
  server: { name: string; version: string };
  /** The name under which the client wants to hear that it goes on. */
  progressToken?: string | number;
}

/** The result of a tool, whatever it is. */
export interface McpResult {
  content: { type: 'text'; text: string }[];
  structuredContent?: object;
  isError?: true;
}

/** Returns the result of a tool that says it by an object. */
export function structuredResult(output: object): McpResult {
  return { content: [{ type: 'text', text: JSON.stringify(output) }], structuredContent: output };
}

/** Returns the result of a tool that failed, for the client's model. */
export function failedResult(text: string): McpResult {
  return { content: [{ type: 'text', text }], isError: true };
}

/** Returns the result of a turn that is over. A turn without a whole answer is an error. */
export function turnResult(
  turn: Pick<TurnHead, 'turnId' | 'conversationId'>,
  { message, error }: Outcome,
): McpResult {
  const told = structuredResult({
    conversation_id: turn.conversationId,
    turn_id: turn.turnId,
    status: message.status,
    answer: contentOf(message.parts),
    ...(error ? { error: error.detail } : {}),
  });
  return error ? { ...told, isError: true } : told;
}

/** Returns a result in the form of a version of the protocol. */
export function resultFor({ isCurrent, server }: McpCall, result: object): object {
  if (!isCurrent) return result;
  const _meta = { 'io.modelcontextprotocol/serverInfo': server };
  return { resultType: 'complete', ...result, _meta };
}

const NAME = 'mcp ';

/** Returns the wire that answers a call. */
export function mcpWire(call: McpCall): Wire {
  return {
    name: NAME + JSON.stringify(call),
    headers: EVENT_STREAM_HEADERS,
    isEventStream: true,
    isStateless: false,
    encoder: () => mcpEncoder(call),
  };
}

/** Returns the wire that another instance named; undefined for another kind. */
export function mcpWireNamed(name: string): Wire | undefined {
  // Only `mcpWire` makes such names.
  return name.startsWith(NAME)
    ? mcpWire(JSON.parse(name.slice(NAME.length)) as McpCall)
    : undefined;
}

function mcpEncoder(call: McpCall): Encoder {
  const { id, progressToken } = call;
  let progress = 0;
  const nothing = () => '';
  const answer = (result: McpResult) => message({ id, result: resultFor(call, result) });
  const isAlive = () => {
    if (progressToken === undefined) return ': keep-alive\n\n';
    const params = { progressToken, progress: ++progress };
    return message({ method: 'notifications/progress', params });
  };
  return {
    initialId: nothing,
    // The head leaves with it, by which a client that leaves is noticed.
    started: isAlive,
    text: nothing,
    reasoning: nothing,
    part: nothing,
    keepAlive: isAlive,
    ended(head, outcome) {
      // The answer may or may not be stored: nothing that could be said here is certain.
      if (outcome.error?.code === 'not_stored') throw new BrokenOff();
      return answer(turnResult(head, outcome));
    },
    refused: (_, failure: Failure) => answer(failedResult(failure.detail)),
  };
}

function message(rest: object): string {
  return `event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', ...rest })}\n\n`;
}
