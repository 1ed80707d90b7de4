/** Finds the files that a client attaches to a message. */
import { invalid, notFound } from '../core/errors.ts';
import { MOST_BYTES_TOGETHER, type StoredFile } from '../core/file.ts';
import type { FilePart } from '../core/parts.ts';
import { requireUserId } from '../core/principal.ts';
import { readConversation } from '../store/conversations.ts';
import { findFiles } from '../store/files/message-files.ts';
import type { TurnInput } from '../turns/turn-service.ts';
import type { ActionContext } from './context.ts';

/** A file that a client attaches: one that it has sent. */
export interface Attachment {
  file_id: string;
}

/** An input whose attachments are not found yet. */
export type AskedInput =
  | Exclude<TurnInput, { kind: 'message' }>
  | (Extract<TurnInput, { kind: 'message' }> & { attachments?: readonly Attachment[] });

/**
 * Returns an input with its attachments as parts, before the text.
 * @param conversationId undefined when the turn begins a conversation
 * @throws ParleyError `not_found` for a file that the owner of the conversation does not have
 */
export async function withAttachments(
  context: ActionContext,
  input: AskedInput,
  conversationId: string | undefined,
): Promise<TurnInput> {
  if (input.kind !== 'message' || !input.attachments) return input;
  const { attachments, ...message } = input;
  const userId = await ownerOf(context, conversationId);
  const ids = attachments.map((attachment) => attachment.file_id);
  const found = await findFiles(context.dependencies.db, { ids, userId });
  const parts = ids.map((id) => {
    const file = found.get(id);
    if (!file) throw notFound('File');
    return filePart(file);
  });
  requireFit(parts);
  return { ...message, parts: [...parts, ...message.parts] };
}

async function ownerOf(
  { principal, dependencies: { db } }: ActionContext,
  id: string | undefined,
): Promise<string> {
  if (id === undefined) return requireUserId(principal);
  const conversation = await readConversation(db, { id, principal });
  if (!conversation) throw notFound('Conversation');
  return conversation.userId;
}

function filePart(file: StoredFile): FilePart {
  return {
    type: 'file',
    file_id: file.id,
    name: file.name,
    mime_type: file.mimeType,
    size: file.size,
    sha256: file.sha256,
    ...(file.textTokens === null ? {} : { text_tokens: file.textTokens }),
  };
}

function requireFit(parts: readonly FilePart[]): void {
  const bytes = parts.reduce((sum, { size }) => sum + size, 0);
  if (bytes <= MOST_BYTES_TOGETHER) return;
  throw invalid('attachments', `may have ${MOST_BYTES_TOGETHER} bytes together`);
}
