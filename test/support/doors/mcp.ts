/** The door of MCP, whose tool `ask` answers as a whole, at the end of a stream. */
import { asRecord, asText } from '../json.ts';
import { hearing } from './hearing.ts';
import type { Door } from './door.ts';

/** A turn that is not whole is an error, which says what is stored. */
const results = hearing((json) => {
  const told = asRecord(asRecord(json['result'])['structuredContent']);
  const status = asText(told['status']);
  if (status === '') return {};
  const isWhole = ['complete', 'truncated', 'filtered'].includes(status);
  const ending = isWhole ? 'whole' : status === 'cancelled' ? 'stopped' : 'failed';
  return { text: asText(told['answer']), ending, isOver: true };
});

/** Calls a tool as a client of the versions with sessions, whose turns go on when it leaves. */
export function callTool(user: string, name: string, args: object) {
  const params = { name, arguments: args };
  const body = { jsonrpc: '2.0', id: 1, method: 'tools/call', params };
  return { path: '/mcp', body, headers: { 'x-user-id': user } };
}

/** Nothing is heard before the end, so it is not among the doors where conversations begin. */
export const mcp: Door = {
  name: 'POST /mcp',
  hear: results,
  begins: false,
  call: ({ user, model, conversationId: conversation_id }, message) =>
    callTool(user, 'ask', { message, model, conversation_id }),
};
