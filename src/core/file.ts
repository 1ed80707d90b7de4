/** Files that users attach to messages. */
import { ParleyError } from './errors.ts';

/** A file as its owner sees it. */
export interface StoredFile {
  id: string;
  userId: string;
  /** The bytes, which several files of one owner may share. */
  contentId: string;
  name: string;
  /** The type of its bytes, whatever was declared. */
  mimeType: string;
  /** Bytes. */
  size: number;
  /** Hexadecimal. */
  sha256: string;
  /** About how many tokens its text is; null for a file without a text. */
  textTokens: number | null;
  /** Milliseconds since the epoch, by the database's clock. */
  createdAt: number;
}

/** A file that a client attaches to a message. */
export type Attachment =
  /** One that it has sent. */
  | { file_id: string }
  /** One that is fetched. */
  | { url: string }
  /** One whose bytes came with the message. */
  | { bytes: Uint8Array; name?: string | undefined; type?: string | undefined };

/** The largest file, in bytes. */
export const LARGEST_FILE = 10 * 1024 * 1024;

export function fileTooLarge(): ParleyError {
  const detail = `A file may have ${LARGEST_FILE} bytes`;
  return new ParleyError({ code: 'payload_too_large', detail });
}

/** The kinds of files that models tell apart. */
export const FILE_KINDS = ['image', 'pdf', 'audio', 'text'] as const;
export type FileKind = (typeof FILE_KINDS)[number];

/** Returns the kind of a file; every document that is no PDF is a text to a model. */
export function kindOfFile(mimeType: string): FileKind {
  if (mimeType.startsWith('image/')) return 'image';
  if (mimeType.startsWith('audio/')) return 'audio';
  return mimeType === 'application/pdf' ? 'pdf' : 'text';
}

/** The tokens of a picture: what the services count for one that fills a screen. */
const IMAGE_TOKENS = 1_500;
/** Bytes for each token of a PDF that has no text: of a scanned page, and of how it is shown. */
const PDF_BYTES_A_TOKEN = 100;
/** Bytes for each token of audio: 32 tokens a second at 128 kbit a second. */
const AUDIO_BYTES_A_TOKEN = 500;

/** Estimates the tokens that a file takes, however a model gets it. */
export function estimateFile(file: {
  mime_type: string;
  size: number;
  text_tokens?: number | undefined;
}): number {
  const { mime_type, size, text_tokens: text } = file;
  const kind = kindOfFile(mime_type);
  if (kind === 'image') return IMAGE_TOKENS;
  if (kind === 'audio') return Math.ceil(size / AUDIO_BYTES_A_TOKEN);
  if (kind === 'text') return text ?? 0;
  // Services show a model the pages as pictures, besides.
  return text === undefined ? Math.ceil(size / PDF_BYTES_A_TOKEN) : IMAGE_TOKENS + 2 * text;
}

/**
 * The most bytes of files that a message may have, and that a prompt carries: services take 20 MB
 * with all that is around them, and a request takes several times its bytes in memory.
 */
export const MOST_BYTES_TOGETHER = 12 * 1024 * 1024;
/** The most files of a message. */
export const MOST_ATTACHMENTS = 10;

/** Computes a SHA-256 of bytes that come one after the other. */
export interface Hash {
  update(bytes: Uint8Array): void;
  /** Returns the hash of all of them, hexadecimal. */
  digest(): string;
}

const LONGEST_NAME = 200;

/** Returns a name for a file that is safe to show and to save under: no path, nothing invisible. */
export function fileName(given: string | undefined): string {
  const name = (given ?? '')
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '')
    .split(/[\\/]/u)
    .at(-1)
    ?.trim()
    .replace(/^\.+/u, '');
  if (!name) return 'file';
  if (name.length <= LONGEST_NAME) return name;
  // The ending says what it is.
  const ending = /\.[^.]{1,10}$/u.exec(name)?.[0] ?? '';
  return name.slice(0, LONGEST_NAME - ending.length).toWellFormed() + ending;
}
