/**
 * Keeps the images and sounds that tools answer with: as files of the user that the answer has, as
 * questions have attachments. They are deleted with it.
 */
import { failureOf } from '../../core/errors.ts';
import { MOST_ATTACHMENTS, MOST_BYTES_TOGETHER, type StoredFile } from '../../core/file.ts';
import type { ResultFile } from '../../core/parts.ts';
import { sha256 } from '../../core/sha256.ts';
import { mediaTypeOf } from '../../documents/media-type.ts';
import { receiveBytes, storeFile } from '../../documents/store-file.ts';
import { dropContent } from '../../store/files/contents.ts';
import { noteFiles } from '../../store/files/message-files.ts';
import { batch } from '../../store/query.ts';
import type { RunDependencies, TurnJob } from '../run/types.ts';

type Bytes = Uint8Array<ArrayBuffer>;

export class ResultFiles {
  readonly #job: TurnJob;
  readonly #dependencies: RunDependencies;
  #count = 0;
  #bytes = 0;

  constructor(job: TurnJob, dependencies: RunDependencies) {
    this.#job = job;
    this.#dependencies = dependencies;
  }

  /**
   * Keeps bytes.
   * @returns undefined for what is no image and no sound, for more than a message may have, and
   *   where it could not be stored: a result is of use without it
   */
  async keep(bytes: Bytes, toolName: string): Promise<ResultFile | undefined> {
    const mimeType = mediaTypeOf(bytes);
    const isTooMuch =
      this.#count >= MOST_ATTACHMENTS || this.#bytes + bytes.length > MOST_BYTES_TOGETHER;
    if (mimeType === undefined || isTooMuch) return undefined;
    this.#count++;
    this.#bytes += bytes.length;
    const name = `${toolName}-${this.#count}.${mimeType.split('/')[1]}`;
    try {
      const file = resultFile(await this.#store(bytes, name));
      await this.note([file]);
      return file;
    } catch (error) {
      const { log } = this.#dependencies;
      const { code } = failureOf(error);
      if (code !== 'quota_exceeded') log.error('a file of a tool could not be kept', { error });
      return undefined;
    }
  }

  /** Notes that the answer has files. */
  async note(files: readonly ResultFile[]): Promise<void> {
    const { conversation, turn } = this.#job;
    const parts = files.map((file) => ({ type: 'file' as const, ...file }));
    const message = { messageId: turn.head.assistantMessage.id, conversationId: conversation.id };
    await batch(this.#dependencies.db, noteFiles({ ...message, parts }), 'write');
  }

  async #store(bytes: Bytes, name: string): Promise<StoredFile> {
    const { db } = this.#dependencies;
    const { budget, conversation } = this.#job;
    const { userId } = conversation;
    const digest = await sha256(bytes);
    const newHash = () => ({ update: () => undefined, digest: () => digest });
    const arrived = await receiveBytes({ db, files: { newHash } }, onePiece(bytes));
    try {
      const room = budget && { ...budget.askFor(userId), keyId: null, stored: true as const };
      const fields = { userId, name, declaredType: undefined, room };
      return await storeFile({ db, files: { examine: refuseOthers } }, arrived, fields);
    } catch (error) {
      await dropContent(db, arrived.contentId);
      throw error;
    }
  }
}

/** Refuses to examine: only images and sounds are kept, which need none. */
function refuseOthers(): never {
  throw new Error('only images and sounds are kept');
}

async function* onePiece(bytes: Bytes): AsyncGenerator<Bytes> {
  yield await Promise.resolve(bytes);
}

function resultFile({ id, name, mimeType, size, sha256: hash }: StoredFile): ResultFile {
  return { file_id: id, name, mime_type: mimeType, size, sha256: hash };
}
