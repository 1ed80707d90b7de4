/**
 * Finds out which protocol a request speaks. That of 2026-07-28 says so in each request, in its
 * body and again in its headers, by which proxies find their way: both have to agree. What says
 * nothing of it is of a client of the versions before, which had sessions.
 */
import { isRecord, recordOf } from '../../core/json.ts';
import type { AppContext } from '../shared/dependencies.ts';
import {
  failed,
  HEADER_MISMATCH,
  INVALID_PARAMS,
  UNSUPPORTED_VERSION,
  type Said,
} from './json-rpc.ts';

export const CURRENT = '2026-07-28';
/** The versions before it that are spoken, the newest first. */
export const EARLIER = ['2025-11-25', '2025-06-18', '2025-03-26'];

const VERSION = 'io.modelcontextprotocol/protocolVersion';
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';

interface Given {
  method: string;
  params?: Record<string, unknown> | undefined;
}

/** Returns whether a request speaks the protocol of today, and its refusal unless it is sound. */
export function versionOf(c: AppContext, given: Given): { isCurrent: boolean; refusal?: Said } {
  const inBody = recordOf(given.params?.['_meta'])[VERSION];
  const isSilent = inBody === undefined && given.method !== 'server/discover';
  const inHeader = c.req.header('mcp-protocol-version');
  if (isSilent && (inHeader === undefined || EARLIER.includes(inHeader)))
    return { isCurrent: false };
  const refusal = mistakeIn(c, given);
  return { isCurrent: true, ...(refusal ? { refusal } : {}) };
}

function mistakeIn(c: AppContext, given: Given): Said | undefined {
  const meta = recordOf(given.params?.['_meta']);
  const inBody = meta[VERSION];
  const inHeader = c.req.header('mcp-protocol-version');
  const version = inBody ?? inHeader;
  if (inBody !== undefined && inHeader !== inBody) return mismatch('MCP-Protocol-Version', VERSION);
  if (version !== undefined && version !== CURRENT) return unsupported(version);
  if (inBody === undefined) return lacks(VERSION);
  if (!isRecord(meta[CAPABILITIES])) return lacks(CAPABILITIES);
  return mirrorMistake(c, given);
}

/** Returns the refusal of a request whose headers do not say the same as its body. */
function mirrorMistake(c: AppContext, { method, params }: Given): Said | undefined {
  if (c.req.header('mcp-method') !== method) return mismatch('Mcp-Method', 'method');
  const name = method === 'tools/call' ? params?.['name'] : undefined;
  if (typeof name !== 'string') return undefined;
  return decoded(c.req.header('mcp-name')) === name
    ? undefined
    : mismatch('Mcp-Name', 'params.name');
}

const ENCODED = /^=\?base64\?(?<text>[A-Za-z0-9+/]*={0,2})\?=$/u;

/** Returns the value of a header that may be encoded; undefined for one that cannot be read. */
function decoded(value: string | undefined): string | undefined {
  const text = value === undefined ? undefined : ENCODED.exec(value)?.groups?.['text'];
  if (text === undefined) return value;
  try {
    const bytes = Uint8Array.from(atob(text), (unit) => unit.charCodeAt(0));
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function mismatch(header: string, field: string): Said {
  const message = `The header ${header} must be there, and say the same as ${field}`;
  return failed({ code: HEADER_MISMATCH, message }, 400);
}

function unsupported(requested: unknown): Said {
  const shown = typeof requested === 'string' ? requested.slice(0, 100) : null;
  const data = { supported: [CURRENT], requested: shown };
  const message = 'This version of the protocol is not spoken here';
  return failed({ code: UNSUPPORTED_VERSION, message, data }, 400);
}

function lacks(field: string): Said {
  return failed({ code: INVALID_PARAMS, message: `params._meta must have ${field}` }, 400);
}
