/**
 * Extracts the text of OpenDocument files (OASIS ODF 1.3). Texts, slides and sheets share one
 * vocabulary: a slide becomes a heading with its text, a sheet a heading with a table.
 */
import { decodeText } from '../decode-text.ts';
import { unreadable } from '../refusals.ts';
import type { Archive } from './archive.ts';
import { readOpenSheets } from './opendocument-sheets.ts';
import { OpenText } from './opendocument-text.ts';
import { readXml, textsOf } from './xml.ts';

/** The elements that stand above and below each page. */
const FURNITURE = new Set(['header', 'footer', 'header-left', 'footer-left', 'header-first']);

export function readOpenDocument(archive: Archive): { text: string; title: string | undefined } {
  refuseEncrypted(archive);
  const content = archive.read('content.xml');
  if (!content) throw unreadable('The document is damaged: it has no text part');
  const meta = archive.read('meta.xml');
  const title = meta && textsOf(meta, new Set(['title']))[0];
  if (isSpreadsheet(content)) return { text: readOpenSheets(content), title };
  const body = new OpenText();
  readXml(content, body);
  const styles = archive.read('styles.xml');
  const furniture = styles ? textsOf(styles, FURNITURE) : [];
  const parts = [body.toString(), ...new Set(furniture)].filter((part) => part !== '');
  return { text: parts.join('\n\n'), title };
}

function isSpreadsheet(content: Uint8Array): boolean {
  return /<office:spreadsheet[\s/>]/.test(decodeText(content, undefined).text);
}

/**
 * Refuses a document with a password. The list of its parts says so; it may have a document type,
 * so it is not read as XML.
 */
function refuseEncrypted(archive: Archive): void {
  const list = archive.read('META-INF/manifest.xml');
  if (list && /:encryption-data[\s/>]/.test(decodeText(list, undefined).text))
    throw unreadable('The document is encrypted; send it without a password');
}
