/** JSON-RPC 2.0, as MCP has it: what a request gets. */
import { resultFor, type McpCall } from '../../wire/mcp-answer.ts';

export const PARSE_ERROR = -32_700;
export const INVALID_REQUEST = -32_600;
export const METHOD_NOT_FOUND = -32_601;
export const INVALID_PARAMS = -32_602;
export const INTERNAL_ERROR = -32_603;
export const HEADER_MISMATCH = -32_020;
export const UNSUPPORTED_VERSION = -32_022;

/** A request, as far as its answer needs it. */
export type Asked = McpCall;

/** The answer to a request, and the status of its response. */
export interface Said {
  status: 200 | 400 | 404;
  body: { result: object } | { error: { code: number; message: string; data?: object } };
}

/** Returns an answer that says a result. */
export function said(asked: Asked, result: object): Said {
  return { status: 200, body: { result: resultFor(asked, result) } };
}

/** Returns an answer that says an error. */
export function failed(
  error: { code: number; message: string; data?: object },
  status: Said['status'] = 200,
): Said {
  return { status, body: { error } };
}
