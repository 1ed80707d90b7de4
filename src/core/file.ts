/** Files that users attach to messages. */

/** A file as its owner sees it. */
export interface StoredFile {
  id: string;
  userId: string;
  /** The bytes, which several files of one owner may share. */
  contentId: string;
  name: string;
  /** What its bytes are, whatever was declared. */
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

/** The largest file, in bytes. */
export const LARGEST_FILE = 10 * 1024 * 1024;

/** The kinds of files that models tell apart. */
export const FILE_KINDS = ['image', 'pdf', 'audio', 'text'] as const;
export type FileKind = (typeof FILE_KINDS)[number];

/** Returns the kind of a file; every document that is no PDF is a text to a model. */
export function kindOfFile(mimeType: string): FileKind {
  if (mimeType.startsWith('image/')) return 'image';
  if (mimeType.startsWith('audio/')) return 'audio';
  return mimeType === 'application/pdf' ? 'pdf' : 'text';
}

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
