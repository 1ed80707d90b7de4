/** Summaries of conversations, as OpenAI's clients keep them and send them back. */
import type { Message, TurnHead } from '../../core/message.ts';
import { contentOf } from '../../core/parts.ts';
import { responseId } from './ids.ts';
import { usageOfResponse } from './resource.ts';

/** Says which form a content has. */
const FORM = 'parley1.';

/** Returns a turn that has summed up a conversation as a compaction. */
export function compactionResource(head: TurnHead, message: Message) {
  return {
    id: responseId(head.turnId),
    object: 'response.compaction' as const,
    created_at: Math.trunc(head.acceptedAt / 1000),
    output: [
      {
        id: `cmp_${head.turnId}`,
        type: 'compaction' as const,
        encrypted_content: encodeSummary(contentOf(message.parts)),
      },
    ],
    usage: usageOfResponse(message),
  };
}

/** Writes a summary as a text that clients hand back as it is. It hides nothing from them. */
function encodeSummary(summary: string): string {
  const bytes = new TextEncoder().encode(summary);
  return FORM + btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}

/** Reads what {@link compactionResource} has written; undefined for anything else. */
export function decodeSummary(content: string): string | undefined {
  if (!content.startsWith(FORM)) return undefined;
  try {
    const bytes = Uint8Array.from(atob(content.slice(FORM.length)), (unit) => unit.charCodeAt(0));
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
