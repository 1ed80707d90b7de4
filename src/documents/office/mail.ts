/**
 * Extracts the text of a mail: subject, sender and recipients, body, and the names of attachments.
 */
import { Tokenizer } from 'htmlparser2';
import PostalMime, { type Address, type Email } from 'postal-mime';
import { decodeText } from '../decode-text.ts';
import { htmlToText } from '../html-to-markdown.ts';
import { tooLarge, unreadable } from '../refusals.ts';

const LIMITS = { maxNestingDepth: 32, maxHeadersSize: 512 * 1024 };

export async function readMail(
  bytes: Uint8Array,
): Promise<{ text: string; title: string | undefined }> {
  const mail = await PostalMime.parse(inKnownCharset(bytes), LIMITS).catch((error: unknown) => {
    throw unreadable('The mail is damaged and cannot be read', error);
  });
  const { subject = '', date } = mail;
  const lines = [
    subject && `# ${subject.replace(/\s+/gu, ' ')}\n`,
    lineOf('From', addresses(mail.from ? [mail.from] : [])),
    lineOf('To', addresses(mail.to ?? [])),
    lineOf('Cc', addresses(mail.cc ?? [])),
    lineOf('Date', date ?? ''),
    `\n${bodyOf(mail)}\n`,
    lineOf('Attachments', mail.attachments.map(({ filename }) => filename ?? '').join(', ')),
  ];
  return { text: lines.filter(Boolean).join('\n').trim(), title: subject || undefined };
}

/** A line that may begin a part. */
const BOUNDARY = /^--\S/gm;
/** Most parts; the time that the library takes grows with the square of their number. */
const MOST_PARTS = 5_000;

/**
 * Returns a mail that says nothing of its charset in UTF-8, for which such a mail is taken.
 * @throws ParleyError `payload_too_large` when it has too many parts
 */
function inKnownCharset(bytes: Uint8Array): Uint8Array {
  const { text, charset } = decodeText(bytes, undefined);
  if ((text.match(BOUNDARY)?.length ?? 0) > MOST_PARTS)
    throw tooLarge(`The mail has more than ${MOST_PARTS} parts`);
  return charset === 'utf-8' || /\bcharset\s*=/i.test(text)
    ? bytes
    : new TextEncoder().encode(text);
}

function lineOf(name: string, value: string): string {
  return value.trim() === '' ? '' : `${name}: ${value}`;
}

function bodyOf({ text, html }: Email): string {
  if (text !== undefined && text.trim() !== '') return text.trim();
  return html === undefined ? '' : htmlToText({ Tokenizer }, html).text;
}

function addresses(list: readonly Address[]): string {
  return list
    .flatMap((one): { name: string; address?: string }[] => one.group ?? [one])
    .map(({ name, address = '' }) => (name ? `${name} <${address}>` : address))
    .join(', ');
}
