/** Extracts the text of a book: its chapters in reading order. */
import { Tokenizer } from 'htmlparser2';
import { decodeText } from '../decode-text.ts';
import { htmlToText } from '../html-to-markdown.ts';
import { unreadable } from '../refusals.ts';
import type { Archive } from './archive.ts';
import { readXml, resolvePath } from './xml.ts';

/** Media types of chapters, also of the books before EPUB. */
const CHAPTER = /html|x-oeb1-document/;
const PACKAGE = 'application/oebps-package+xml';

export function readEpub(archive: Archive): { text: string; title: string | undefined } {
  const { chapters, title } = readPackage(archive);
  const locked = lockedParts(archive);
  const texts = chapters.map((part) => {
    if (locked.has(part))
      throw unreadable('The book is encrypted; send it without copy protection');
    const bytes = archive.read(part);
    return bytes ? htmlToText({ Tokenizer }, decodeText(bytes, undefined).text, true).text : '';
  });
  return { text: texts.filter((text) => text !== '').join('\n\n'), title };
}

/** Returns the chapters by their names in the archive, and the title of the book. */
function readPackage(archive: Archive): { chapters: string[]; title: string | undefined } {
  const part = packagePart(archive);
  const bytes = archive.read(part);
  if (!bytes) throw unreadable('The book is damaged: it has no table of what is in it');
  const folder = part.slice(0, part.lastIndexOf('/') + 1);
  const items = new Map<string, string>();
  const spine: string[] = [];
  let [title, isTitle] = ['', false];
  readXml(bytes, {
    open(name, { id, href, idref, 'media-type': type = '' }) {
      isTitle = name === 'title' && title === '';
      if (name === 'item' && id && href && CHAPTER.test(type))
        items.set(id, resolvePath(folder, decoded(href)));
      if (name === 'itemref' && idref) spine.push(idref);
    },
    text: (text) => (title += isTitle ? text : ''),
    close: () => (isTitle = false),
  });
  const chapters = spine.flatMap((id) => items.get(id) ?? []);
  // A book without an order is read in the order in which it lists its parts.
  const parts = chapters.length === 0 ? [...items.values()] : chapters;
  return { chapters: [...new Set(parts)], title: title.trim() || undefined };
}

function packagePart(archive: Archive): string {
  let found = '';
  const bytes = archive.read('META-INF/container.xml');
  if (bytes)
    readXml(bytes, {
      open(name, attributes) {
        const type = attributes['media-type'] ?? PACKAGE;
        if (name === 'rootfile' && type === PACKAGE) found ||= attributes['full-path'] ?? '';
      },
    });
  return found || (archive.names.find((name) => name.endsWith('.opf')) ?? '');
}

/** Returns the parts that copy protection has encrypted. Fonts may be encrypted. */
function lockedParts(archive: Archive): Set<string> {
  const locked = new Set<string>();
  const bytes = archive.read('META-INF/encryption.xml');
  if (bytes)
    readXml(bytes, {
      open(name, { URI }) {
        if (name === 'CipherReference' && URI) locked.add(decoded(URI));
      },
    });
  return locked;
}

function decoded(address: string): string {
  try {
    return decodeURIComponent(address.split('#', 1)[0] ?? '');
  } catch {
    return address;
  }
}
