/** Detects what was sent, by what the client declares and by the bytes themselves. */
import { ParleyError } from '../core/errors.ts';
import { countControls, isTooMany } from './control-characters.ts';
import { decodeText } from './decode-text.ts';
import type { OfficeKind } from './office/read-office.ts';
import { readDirectory } from './office/zip-directory.ts';
import { unreadable } from './refusals.ts';

export type Kind = 'text' | 'html' | 'pdf' | OfficeKind;

const OFFICE = 'application/vnd.openxmlformats-officedocument';
const OPEN_DOCUMENT = 'application/vnd.oasis.opendocument';
/** The MIME type of each kind of document. */
export const MIME_TYPES: Record<Exclude<Kind, 'text'>, string> = {
  html: 'text/html',
  pdf: 'application/pdf',
  docx: `${OFFICE}.wordprocessingml.document`,
  pptx: `${OFFICE}.presentationml.presentation`,
  xlsx: `${OFFICE}.spreadsheetml.sheet`,
  odt: `${OPEN_DOCUMENT}.text`,
  odp: `${OPEN_DOCUMENT}.presentation`,
  ods: `${OPEN_DOCUMENT}.spreadsheet`,
  rtf: 'application/rtf',
  epub: 'application/epub+zip',
  mail: 'message/rfc822',
};

/** File names whose type is not plain text, or is a plain text type of its own. */
const TYPES_BY_NAME: Record<string, string> = {
  csv: 'text/csv',
  tsv: 'text/tab-separated-values',
  html: MIME_TYPES.html,
  htm: MIME_TYPES.html,
  xhtml: 'application/xhtml+xml',
  pdf: MIME_TYPES.pdf,
  docx: MIME_TYPES.docx,
  pptx: MIME_TYPES.pptx,
  xlsx: MIME_TYPES.xlsx,
  odt: MIME_TYPES.odt,
  odp: MIME_TYPES.odp,
  ods: MIME_TYPES.ods,
  rtf: MIME_TYPES.rtf,
  epub: MIME_TYPES.epub,
  eml: MIME_TYPES.mail,
};

const KINDS_BY_TYPE: Record<string, Kind> = {
  ...Object.fromEntries(Object.entries(MIME_TYPES).map(([kind, type]) => [type, kind as Kind])),
  'application/xhtml+xml': 'html',
  'application/x-pdf': 'pdf',
  'text/rtf': 'rtf',
};

const TEXT_TYPE = /^(?:text\/|application\/([\w.-]+\+)?(?:json|xml|yaml|toml)$)/;
/** Types that a string cannot have. */
const BINARY_TYPE =
  /^(?:image|audio|video|font)\/|^application\/(?:zip|gzip|msword|vnd\.ms-|vnd\.openxmlformats-|vnd\.oasis\.|epub)/;

/** The first bytes of files that are not text, as latin1. */
const SIGNATURES: readonly (readonly [string, string])[] = [
  ['\xd0\xcf\x11\xe0', 'an office document of an old format'],
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

/** Bytes that are examined. */
const HEAD = 4096;
/** Bytes in which a container of the old Office format names its parts. */
const OLE_HEAD = 1024 * 1024;

const KNOWN =
  'text, Markdown, HTML, PDF, RTF, .docx, .pptx, .xlsx, .odt, .odp, .ods, .epub or .eml';

function unsupported(what: string): ParleyError {
  const detail = `This is ${what}; documents can be ${KNOWN}`;
  return new ParleyError({ code: 'unsupported_media_type', detail });
}

/**
 * Returns `type/subtype` in lower case without parameters, or undefined for a type that says
 * nothing.
 */
export function essence(mimeType: string | undefined): string | undefined {
  const type = mimeType?.split(';', 1)[0]?.trim().toLowerCase();
  return type === '' || type === 'application/octet-stream' ? undefined : type;
}

function typeOfName(name: string | undefined): string | undefined {
  return TYPES_BY_NAME[name?.split('.').at(-1)?.toLowerCase() ?? ''];
}

/**
 * Returns the kind of a document's bytes. Their beginning counts more than the declared type,
 * except that HTML may be declared as plain text.
 * @throws ParleyError `unsupported_media_type`
 */
export function kindOfBytes(
  bytes: Uint8Array,
  { mimeType, name }: { mimeType: string | undefined; name: string | undefined },
): Kind {
  const head = latin1(bytes.subarray(0, HEAD));
  if (isPdf(head, latin1(bytes.subarray(-1024)))) return 'pdf';
  const type = essence(mimeType);
  const declared = KINDS_BY_TYPE[type ?? ''] ?? KINDS_BY_TYPE[typeOfName(name) ?? ''];
  if (/^PK(?:\x03\x04|\x05\x06)/.test(head)) return kindOfArchive(bytes, declared);
  if (head.startsWith('{\\rtf')) return 'rtf';
  const signature = SIGNATURES.find(([start]) => head.startsWith(start));
  if (signature) refuseSignature(signature[1], bytes);
  if (declared === 'pdf') return 'pdf';
  if (declared === 'rtf') throw unreadable('The document is damaged: it is no Rich Text Format');
  if (isArchived(declared)) throw unreadable('The document is damaged: it is no archive');
  // Checks the decoded text, because half the bytes of UTF-16 may be NUL.
  const { text } = decodeText(bytes.subarray(0, HEAD), mimeType);
  if (isTooMany(countControls(text), text.length)) throw unsupported('no text');
  // Browsers derive types from file names: a spreadsheet's for CSV, a video's for TypeScript.
  if (type !== undefined && TEXT_TYPE.test(type)) return KINDS_BY_TYPE[type] ?? 'text';
  return declared ?? (isMail(text) ? 'mail' : kindOfText(text));
}

function isArchived(kind: Kind | undefined): boolean {
  return kind !== undefined && /^(?:docx|pptx|xlsx|od[tps]|epub)$/.test(kind);
}

/** The part that identifies each kind of archive. */
const PARTS: readonly (readonly [string, Kind])[] = [
  ['word/document.xml', 'docx'],
  ['ppt/presentation.xml', 'pptx'],
  ['xl/workbook.xml', 'xlsx'],
  ['META-INF/container.xml', 'epub'],
];

function kindOfArchive(bytes: Uint8Array, declared: Kind | undefined): Kind {
  const entries = readDirectory(bytes);
  const kind = PARTS.find(([part]) => entries?.has(part))?.[1];
  if (kind) return kind;
  if (entries?.has('content.xml')) return kindOfOpenDocument(bytes, declared);
  if (entries?.has('[Content_Types].xml') && isArchived(declared)) return declared!;
  if (isArchived(declared)) throw unreadable('The document is damaged: its archive cannot be read');
  throw unsupported('an archive');
}

/** Returns the kind that an OpenDocument file says it is: its first part is its type as it is. */
function kindOfOpenDocument(bytes: Uint8Array, declared: Kind | undefined): Kind {
  const type = /mimetype(application\/vnd\.oasis\.opendocument\.[a-z]+)/.exec(
    latin1(bytes.subarray(0, HEAD)),
  )?.[1];
  const kind = KINDS_BY_TYPE[type ?? ''] ?? declared;
  if (kind !== undefined && /^od[tps]$/.test(kind)) return kind;
  if (type === undefined) return 'odt';
  throw unsupported('an OpenDocument file that is no text, presentation or spreadsheet');
}

/**
 * Rejects a file by its signature. Office documents with a password use the old container format.
 */
function refuseSignature(what: string, bytes: Uint8Array): never {
  const parts = new TextDecoder('windows-1252').decode(bytes.subarray(0, OLE_HEAD));
  if (parts.includes(Array.from('EncryptedPackage').join('\0')))
    throw unreadable('The document is encrypted; send it without a password');
  throw unsupported(what);
}

/**
 * Returns true for text that begins with a mail header: a sender, and the lines that servers add.
 */
function isMail(text: string): boolean {
  // A mail that was taken from a box of mails begins with a line about its delivery.
  const head = text.replace(/^From [^\n]*\n/, '').split(/\r?\n\r?\n/, 1)[0] ?? '';
  const lines = head.split(/\r?\n/);
  const isHead = lines.length > 2 && lines.every((line) => /^(?:[\w-]+:|[ \t])/.test(line));
  return isHead && /^From:/im.test(head) && /^(?:MIME-Version|Message-ID|Received):/im.test(head);
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

/**
 * Returns true for a PDF. It may have up to a kilobyte before its header (ISO 32000-1, annex H). A
 * text may also mention the header, so what precedes it must not be text, or a PDF's first object
 * and its end must follow.
 */
function isPdf(head: string, tail: string): boolean {
  const header = head.slice(0, 1024).indexOf('%PDF-');
  if (header < 0) return false;
  const before = head.slice(0, header);
  if (before.trim() === '' || countControls(before) > 0) return true;
  return /^\d+ \d+ obj\b/m.test(head.slice(header)) && /startxref\s+\d+\s+%%EOF\s*$/.test(tail);
}

/** Returns the kind of a text whose type was not declared. */
function kindOfText(text: string): Kind {
  return /^\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype\s+html|html)[\s>]/i.test(text.slice(0, HEAD))
    ? 'html'
    : 'text';
}

/**
 * Returns the kind of a document that was sent as a string.
 * @throws ParleyError `unsupported_media_type` if a text is declared to be something else
 */
export function kindOfString(text: string, type: string | undefined): Kind {
  const declared = KINDS_BY_TYPE[type ?? ''];
  if (
    declared === 'pdf' ||
    declared === 'mail' ||
    declared === 'rtf' ||
    BINARY_TYPE.test(type ?? '')
  )
    throw unsupported(`${type ?? ''} in a JSON string: send it as a file, by multipart/form-data`);
  if (declared) return declared;
  return type !== undefined && TEXT_TYPE.test(type) ? 'text' : kindOfText(text);
}

/** Returns the type of a text if its declared type or its file name determines one. */
export function textTypeOf(type: string | undefined, name: string | undefined): string {
  if (type !== undefined && TEXT_TYPE.test(type) && type !== 'text/plain') return type;
  const named = typeOfName(name);
  return named !== undefined && named.startsWith('text/') && !(named in KINDS_BY_TYPE)
    ? named
    : 'text/plain';
}
