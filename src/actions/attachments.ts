/** Finds, fetches or stores the files that a client attaches to a message. */
import { failureMayPass, invalid, notFound, ParleyError } from '../core/errors.ts';
import {
  MOST_ATTACHMENTS,
  MOST_BYTES_TOGETHER,
  type Attachment,
  type StoredFile,
} from '../core/file.ts';
import type { FilePart } from '../core/parts.ts';
import { requireUserId } from '../core/principal.ts';
import { fetchFile } from '../documents/fetch-file.ts';
import { receiveBytes, storeFile } from '../documents/store-file.ts';
import { readConversation } from '../store/conversations.ts';
import { dropContent } from '../store/files/contents.ts';
import { findFiles, removeUnused } from '../store/files/message-files.ts';
import type { Key } from '../store/idempotency-keys.ts';
import { findTurnByKey } from '../store/turns/read.ts';
import type { TurnInput } from '../turns/turn-service.ts';
import { roomForFiles, type ActionContext } from './context.ts';

/** An input whose attachments are not found yet. */
export type AskedInput =
  | Exclude<TurnInput, { kind: 'message' }>
  | (Extract<TurnInput, { kind: 'message' }> & { attachments?: readonly Attachment[] });

interface Asked {
  input: AskedInput;
  /** Undefined when the turn begins a conversation. */
  conversationId?: string;
  idempotency?: Key;
}

/** An input with its files, and what undoes what was stored for it. */
export interface Attached {
  input: TurnInput;
  /** Removes the files that were made for the input, where no message has them. */
  undo: () => Promise<void>;
}

/**
 * Returns an input with its attachments as parts, before the text.
 * @throws ParleyError `not_found` for a file that the owner of the conversation does not have;
 *   `invalid_request` for an address that cannot be fetched, and as `storeFile` does
 */
export async function attach(
  context: ActionContext,
  { input, conversationId, idempotency }: Asked,
): Promise<Attached> {
  if (input.kind !== 'message' || !input.attachments) return { input, undo: doNothing };
  const { attachments, ...message } = input;
  // A request that is repeated joins its turn, and needs no files.
  if (
    idempotency &&
    !idempotency.isForUnread &&
    (await findTurnByKey(context.dependencies.db, idempotency))
  )
    return { input: message, undo: doNothing };
  const userId = await ownerOf(context, conversationId);
  const made: string[] = [];
  const { db, log } = context.dependencies;
  const undo = () =>
    removeUnused(db, made).catch((error: unknown) =>
      log.error('files that no message has could not be removed', { error }),
    );
  try {
    const parts = await partsOf(context, attachments, { userId, made });
    requireFit(parts);
    return { input: { ...message, parts: [...parts, ...message.parts] }, undo };
  } catch (error) {
    await undo();
    throw error;
  }
}

/**
 * Keeps the files of an old message of a client's history. What cannot be kept is left out, since
 * nothing is asked about it any more.
 */
export async function keepOld(
  context: ActionContext,
  attachments: readonly Attachment[],
  userId: string,
): Promise<FilePart[]> {
  const kept: FilePart[] = [];
  for (const attachment of attachments.slice(0, MOST_ATTACHMENTS))
    try {
      kept.push(...(await partsOf(context, [attachment], { userId, made: [] })));
    } catch (error) {
      if (!(error instanceof ParleyError) || failureMayPass(error)) throw error;
    }
  return kept;
}

const doNothing = () => Promise.resolve();

async function ownerOf(
  { principal, dependencies: { db } }: ActionContext,
  id: string | undefined,
): Promise<string> {
  if (id === undefined) return requireUserId(principal);
  const conversation = await readConversation(db, { id, principal });
  if (!conversation) throw notFound('Conversation');
  return conversation.userId;
}

/** @param made takes the ids of files that are made */
async function partsOf(
  context: ActionContext,
  attachments: readonly Attachment[],
  { userId, made }: { userId: string; made: string[] },
): Promise<FilePart[]> {
  const ids = attachments.flatMap((each) => ('file_id' in each ? [each.file_id] : []));
  const { db } = context.dependencies;
  const found =
    ids.length === 0 ? new Map<string, StoredFile>() : await findFiles(db, { ids, userId });
  if (ids.some((id) => !found.has(id))) throw notFound('File');
  const parts: FilePart[] = [];
  for (const each of attachments) {
    const known = 'file_id' in each ? found.get(each.file_id) : undefined;
    const file = known ?? (await store(context, each, userId));
    if (!known) made.push(file.id);
    parts.push({ ...filePart(file), ...('url' in each ? { url: each.url } : {}) });
  }
  return parts;
}

async function store(
  { dependencies }: ActionContext,
  attachment: Attachment,
  userId: string,
): Promise<StoredFile> {
  const { name, type, bytes } = await bytesOf(dependencies, attachment);
  const arrived = await receiveBytes(dependencies, bytes);
  try {
    const room = roomForFiles(dependencies, userId);
    return await storeFile(dependencies, arrived, { userId, name, declaredType: type, room });
  } catch (error) {
    await dropContent(dependencies.db, arrived.contentId);
    throw error;
  }
}

async function bytesOf({ files, config }: ActionContext['dependencies'], attachment: Attachment) {
  if ('file_id' in attachment) throw notFound('File');
  if ('url' in attachment)
    return fetchFile(attachment.url, {
      open: files.openUrl,
      trusted: config.ATTACHMENT_HOSTS ?? [],
    });
  const { bytes, name, type } = attachment;
  return { name, type, bytes: onePiece(bytes) };
}

async function* onePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
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
  if (parts.length > MOST_ATTACHMENTS)
    throw invalid('attachments', `may be ${MOST_ATTACHMENTS} at most`);
  const bytes = parts.reduce((sum, { size }) => sum + size, 0);
  if (bytes <= MOST_BYTES_TOGETHER) return;
  throw invalid('attachments', `may have ${MOST_BYTES_TOGETHER} bytes together`);
}
