/** What was sent: by what is said of it, and by what it is. */
import { ParleyError } from '../core/errors.ts';
import { countControls, isTooMany } from './control-characters.ts';
import { decodeText } from './decode-text.ts';

export type Kind = 'text' | 'html' | 'pdf';

/** Names whose files are something else than plain text, or plain text of a type of its own. */
const TYPES_BY_NAME: Record<string, string> = {
  csv: 'text/csv',
  tsv: 'text/tab-separated-values',
  html: 'text/html',
  htm: 'text/html',
  xhtml: 'application/xhtml+xml',
  pdf: 'application/pdf',
};

const KINDS_BY_TYPE: Record<string, Kind> = {
  'text/html': 'html',
  'application/xhtml+xml': 'html',
  'application/pdf': 'pdf',
  'application/x-pdf': 'pdf',
};

const TEXT_TYPE = /^(?:text\/|application\/([\w.-]+\+)?(?:json|xml|yaml|toml)$)/;
/** Types that no string can be of. */
const BINARY_TYPE =
  /^(?:image|audio|video|font)\/|^application\/(?:zip|gzip|msword|vnd\.ms-|vnd\.openxmlformats-|epub)/;

/** The beginnings of files that are no text, latin1. */
const SIGNATURES: readonly (readonly [string, string])[] = [
  ['PK\x03\x04', 'an archive or an office document'],
  ['PK\x05\x06', 'an archive'],
  ['\xd0\xcf\x11\xe0', 'an office document'],
  ['{\\rtf', 'a document in Rich Text Format'],
  ['\x1f\x8b', 'a compressed file'],
  ['BZh', 'a compressed file'],
  ['\xfd7zXZ', 'a compressed file'],
  ['7z\xbc\xaf', 'an archive'],
  ['Rar!\x1a', 'an archive'],
  ['\x28\xb5\x2f\xfd', 'a compressed file'],
  ['\x89PNG', 'an image'],
  ['\xff\xd8\xff', 'an image'],
  ['GIF87a', 'an image'],
  ['GIF89a', 'an image'],
  ['\x7fELF', 'a program'],
  ['\x00asm', 'a program'],
  ['SQLite format 3\x00', 'a database'],
];

/** Bytes that are looked at. */
const HEAD = 4096;

function unsupported(what: string): ParleyError {
  const detail = `This is ${what}; documents can be text, Markdown, HTML or PDF`;
  return new ParleyError({ code: 'unsupported_media_type', detail });
}

/** `type/subtype` in lower case without parameters; undefined for what says nothing. */
export function essence(mimeType: string | undefined): string | undefined {
  const type = mimeType?.split(';', 1)[0]?.trim().toLowerCase();
  return type === '' || type === 'application/octet-stream' ? undefined : type;
}

function typeOfName(name: string | undefined): string | undefined {
  return TYPES_BY_NAME[name?.split('.').at(-1)?.toLowerCase() ?? ''];
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
  const type = essence(mimeType);
  const declared = KINDS_BY_TYPE[type ?? typeOfName(name) ?? ''];
  if (declared === 'pdf') return 'pdf';
  // As it will be read: half the bytes of UTF-16 may be NUL.
  const { text } = decodeText(bytes.subarray(0, HEAD), mimeType);
  if (isTooMany(countControls(text), text.length)) throw unsupported('no text');
  if (declared) return declared;
  // Browsers know types by names: a spreadsheet's for CSV, a video's for TypeScript.
  if (type !== undefined && TEXT_TYPE.test(type)) return 'text';
  return KINDS_BY_TYPE[typeOfName(name) ?? ''] === 'html' ? 'html' : kindOfText(text);
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
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
function kindOfText(text: string): Kind {
  return /^\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype\s+html|html)[\s>]/i.test(text.slice(0, HEAD))
    ? 'html'
    : 'text';
}

/** @throws ParleyError `unsupported_media_type` where a text is said to be something else */
export function kindOfString(text: string, type: string | undefined): Kind {
  const declared = KINDS_BY_TYPE[type ?? ''];
  if (declared === 'pdf' || BINARY_TYPE.test(type ?? ''))
    throw unsupported(`${type ?? ''} in a JSON string: send it as a file, by multipart/form-data`);
  if (declared) return declared;
  return type !== undefined && TEXT_TYPE.test(type) ? 'text' : kindOfText(text);
}

/** The type of a text, where what is said of it, or its name, tells one. */
export function textTypeOf(type: string | undefined, name: string | undefined): string {
  if (type !== undefined && TEXT_TYPE.test(type) && type !== 'text/plain') return type;
  const named = typeOfName(name);
  return named !== undefined && !(named in KINDS_BY_TYPE) ? named : 'text/plain';
}
