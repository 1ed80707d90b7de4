/** What was sent: by what is said of it, and by what it is. */
import { ParleyError } from '../core/errors.ts';

export type Kind = 'text' | 'html' | 'pdf';

const KINDS_BY_NAME: Record<string, Kind> = {
  txt: 'text',
  text: 'text',
  md: 'text',
  markdown: 'text',
  csv: 'text',
  json: 'text',
  html: 'html',
  htm: 'html',
  xhtml: 'html',
  pdf: 'pdf',
};

/** The beginnings of files that are no text, latin1. */
const SIGNATURES: readonly (readonly [string, string])[] = [
  ['PK\x03\x04', 'an archive or an office document'],
  ['PK\x05\x06', 'an archive'],
  ['\xd0\xcf\x11\xe0', 'an office document'],
  ['\x1f\x8b', 'a compressed file'],
  ['BZh', 'a compressed file'],
  ['\xfd7zXZ', 'a compressed file'],
  ['7z\xbc\xaf', 'an archive'],
  ['Rar!', 'an archive'],
  ['\x28\xb5\x2f\xfd', 'a compressed file'],
  ['\x89PNG', 'an image'],
  ['\xff\xd8\xff', 'an image'],
  ['GIF8', 'an image'],
  ['\x7fELF', 'a program'],
];

/** Bytes that are looked at. */
const HEAD = 4096;
/** More control characters than this share, and than a few, make it no text. */
export const MOST_CONTROLS = 0.1;
export const A_FEW = 8;

function unsupported(what: string): ParleyError {
  const detail = `This is ${what}; documents can be text, Markdown, HTML or PDF`;
  return new ParleyError({ code: 'unsupported_media_type', detail });
}

/** `type/subtype` in lower case without parameters; undefined for what says nothing. */
export function essence(mimeType: string | undefined): string | undefined {
  const type = mimeType?.split(';', 1)[0]?.trim().toLowerCase();
  return type === '' || type === 'application/octet-stream' ? undefined : type;
}

function declaredKind(type: string | undefined, name: string | undefined): Kind | undefined {
  if (type === undefined) return KINDS_BY_NAME[name?.split('.').at(-1)?.toLowerCase() ?? ''];
  if (type === 'application/pdf' || type === 'application/x-pdf') return 'pdf';
  if (type === 'text/html' || type === 'application/xhtml+xml') return 'html';
  if (type.startsWith('text/') || /^application\/([\w.-]+\+)?(json|xml|yaml|toml)$/.test(type))
    return 'text';
  throw unsupported(`of the type ${type.slice(0, 100)}`);
}

/**
 * What bytes are. What they begin with counts more than what is said of them, except that HTML may be meant as plain text.
 * @throws ParleyError `unsupported_media_type`
 */
export function kindOfBytes(
  bytes: Uint8Array,
  { mimeType, name }: { mimeType: string | undefined; name: string | undefined },
): Kind {
  const head = latin1(bytes.subarray(0, HEAD));
  if (isPdf(head, latin1(bytes.subarray(-1024)))) return 'pdf';
  const signature = SIGNATURES.find(([start]) => head.startsWith(start));
  if (signature) throw unsupported(signature[1]);
  const declared = declaredKind(essence(mimeType), name);
  if (declared === 'pdf') return 'pdf';
  // As it will be read: half the bytes of UTF-16 may be NUL.
  const text = decodeText(bytes.subarray(0, HEAD), mimeType);
  if (countControls(text) > Math.max(text.length * MOST_CONTROLS, A_FEW))
    throw unsupported('no text');
  return declared ?? kindOfText(text);
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function countControls(text: string): number {
  return text.match(/[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]/g)?.length ?? 0;
}

/**
 * A PDF may have up to a kilobyte before its header (ISO 32000-1, annex H). A text may speak of the
 * header, too: what stands before it must be no text, or a PDF's first object and its end must follow.
 */
function isPdf(head: string, tail: string): boolean {
  const header = head.slice(0, 1024).indexOf('%PDF-');
  if (header < 0) return false;
  const before = head.slice(0, header);
  if (before.trim() === '' || countControls(before) > 0) return true;
  return /^\d+ \d+ obj\b/m.test(head.slice(header)) && /startxref\s+\d+\s+%%EOF\s*$/.test(tail);
}

/** What a text is that nothing is said of. */
export function kindOfText(text: string): Kind {
  return /^\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype\s+html|html)[\s>]/i.test(text.slice(0, HEAD))
    ? 'html'
    : 'text';
}

/** @throws ParleyError `unsupported_media_type` where a text is said to be something else */
export function kindOfString(text: string, type: string | undefined): Kind {
  const declared = declaredKind(type, undefined);
  if (declared === 'pdf')
    throw unsupported('PDF in a JSON string: send it as a file, by multipart/form-data');
  return declared ?? kindOfText(text);
}

/** Bytes as text: by their byte order mark, by the charset that is said, as UTF-8 where they are, else as windows-1252. */
export function decodeText(bytes: Uint8Array, mimeType: string | undefined): string {
  const head = String.fromCharCode(...bytes.subarray(0, HEAD));
  if (head.startsWith('\xff\xfe')) return new TextDecoder('utf-16le').decode(bytes);
  if (head.startsWith('\xfe\xff')) return new TextDecoder('utf-16be').decode(bytes);
  const said =
    /charset\s*=\s*"?([\w.:-]+)/i.exec(mimeType ?? '') ??
    /<meta[^>]{0,200}charset\s*=\s*["']?([\w.:-]+)/i.exec(head);
  if (!head.startsWith('\xef\xbb\xbf') && said?.[1]) {
    const decoded = tryDecode(bytes, said[1], false);
    if (decoded !== undefined) return decoded;
  }
  return tryDecode(bytes, 'utf-8', true) ?? new TextDecoder('windows-1252').decode(bytes);
}

function tryDecode(bytes: Uint8Array, charset: string, fatal: boolean): string | undefined {
  try {
    return new TextDecoder(charset, { fatal }).decode(bytes);
  } catch {
    return undefined;
  }
}
