/** Finds out what a file is, and keeps the text of a document for models that read nothing else. */
import { failureOf } from '../core/errors.ts';
import { estimateTokens } from '../core/tokens.ts';
import type { Database } from '../store/database.ts';
import { describeContent, readContent } from '../store/files/contents.ts';
import { MIME_TYPES } from './detect-type.ts';
import { kindOf, type Sent } from './extract.ts';
import type { Prepare } from './prepare.ts';

/** Bytes that have arrived, and what was said of them. */
export interface FileToExamine {
  /** Its owner. */
  userId: string;
  contentId: string;
  size: number;
  name: string;
  declaredType: string | undefined;
}

export interface Examined {
  mimeType: string;
  /** About how many tokens its text is; null for a file without one. */
  textTokens: number | null;
}

/** Examines files. A host may do it in another thread. */
export interface FileExaminer {
  /**
   * Tells the type of a file that is neither an image nor audio, and stores its text.
   * @throws ParleyError `unsupported_media_type`; `document_unreadable` for a document that nobody
   *   could read, while a PDF without a text is taken: a model may see it
   */
  examine(file: FileToExamine): Promise<Examined>;
}

/** Creates the examiner that does its work where it is called. */
export function createFileExaminer({
  db,
  prepare,
}: {
  db: Database;
  prepare: Prepare;
}): FileExaminer {
  return {
    async examine({ contentId, size, name, declaredType }) {
      const content = await readContent(db, contentId, size);
      const { mimeType, text } = await read(
        { content, mimeType: declaredType, fileName: name },
        prepare,
      );
      await describeContent(db, { id: contentId, mimeType, text });
      return { mimeType, textTokens: text === null ? null : estimateTokens(text) };
    },
  };
}

async function read(
  sent: Sent,
  prepare: Prepare,
): Promise<{ mimeType: string; text: string | null }> {
  if (kindOf(sent) !== 'pdf') return prepare(sent);
  try {
    return await prepare(sent);
  } catch (error) {
    const { code } = failureOf(error);
    if (code !== 'document_unreadable' && code !== 'payload_too_large') throw error;
    return { mimeType: MIME_TYPES.pdf, text: null };
  }
}
