/**
 * Extracts the text of a Word document: its body with headings, lists and tables, then its
 * diagrams, charts, notes, comments, headers and footers.
 */
import { unreadable } from '../refusals.ts';
import type { Archive } from './archive.ts';
import { chartText } from './chart.ts';
import { diagramText } from './diagram.ts';
import { WordBody } from './docx-body.ts';
import { paragraphStyles, type ParagraphStyle } from './docx-styles.ts';
import { readXml, relationships, titleOf } from './xml.ts';

/** Parts that belong to the text, in the order in which they follow it. */
const PARTS = ['footnotes', 'endnotes', 'comments', 'header', 'footer'];

export function readDocx(archive: Archive): { text: string; title: string | undefined } {
  const root = [...relationships(archive, '').values()].find(
    ({ type }) => type === 'officeDocument',
  );
  const part = root?.target ?? 'word/document.xml';
  const body = archive.read(part);
  if (!body) throw unreadable('The document is damaged: it has no text part');
  const others = [...relationships(archive, part).values()];
  const partsOf = (wanted: string) =>
    others.flatMap(({ type, target }) => (type === wanted ? (archive.read(target) ?? []) : []));
  const styles = paragraphStyles(partsOf('styles')[0]);
  const texts = [
    textOf(body, styles),
    ...partsOf('diagramData').map(diagramText),
    ...partsOf('chart').map(chartText),
    ...PARTS.flatMap(partsOf).map((bytes) => textOf(bytes, styles)),
  ];
  // Headers and footers are repeated for each section.
  const text = [...new Set(texts)].filter((one) => one !== '').join('\n\n');
  return { text, title: titleOf(archive) };
}

function textOf(bytes: Uint8Array, styles: ReadonlyMap<string, ParagraphStyle>): string {
  const body = new WordBody(styles);
  readXml(bytes, body);
  return body.toString();
}
