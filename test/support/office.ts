/** Builds minimal office documents, books and mails. */
import { strToU8, zipSync, type Zippable } from 'fflate';

const relationship = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const word = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"';
const drawing = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"';
const slides = `${drawing} xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" xmlns:r="${relationship}"`;

/** Builds a zip archive of parts; a string is encoded as UTF-8. */
export function archive(parts: Record<string, string | Uint8Array>): Uint8Array {
  const files = Object.entries(parts).map(([name, part]) => {
    const bytes = typeof part === 'string' ? strToU8(part) : part;
    // The type of a document stands in its archive as it is.
    const file: Zippable[string] = name === 'mimetype' ? [bytes, { level: 0 }] : bytes;
    return [name, file] as const;
  });
  return zipSync(Object.fromEntries(files), { level: 6 });
}

function relations(list: readonly (readonly [id: string, type: string, target: string])[]): string {
  const lines = list.map(
    ([id, type, target]) =>
      `<Relationship Id="${id}" Type="${relationship}/${type}" Target="${target}"/>`,
  );
  return `<?xml version="1.0"?><Relationships>${lines.join('')}</Relationships>`;
}

const core = (title: string) =>
  `<?xml version="1.0"?><cp:coreProperties xmlns:cp="c" xmlns:dc="d"><dc:title>${title}</dc:title></cp:coreProperties>`;

const WORD_STYLES = `<w:styles ${word}><w:style w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>
  <w:style w:styleId="berschrift2"><w:name w:val="heading 2"/></w:style>
  <w:style w:styleId="Own"><w:name w:val="Own"/><w:pPr><w:outlineLvl w:val="2"/></w:pPr></w:style></w:styles>`;

/** Returns a paragraph of a Word document. */
export function paragraph(text: string, style = ''): string {
  const properties = style === '' ? '' : `<w:pPr><w:pStyle w:val="${style}"/></w:pPr>`;
  return `<w:p>${properties}<w:r><w:t xml:space="preserve">${text}</w:t></w:r></w:p>`;
}

/**
 * Builds a Word document.
 * @param body of `word/document.xml`
 * @param more other parts, or replacements
 */
export function docx(
  body: string,
  { title = '', more = {} }: { title?: string; more?: Record<string, string | Uint8Array> } = {},
): Uint8Array {
  return archive({
    '[Content_Types].xml': '<Types/>',
    '_rels/.rels': relations([['rId1', 'officeDocument', 'word/document.xml']]),
    'word/document.xml': `<?xml version="1.0"?><w:document ${word}><w:body>${body}</w:body></w:document>`,
    'word/_rels/document.xml.rels': relations([
      ['rId1', 'styles', 'styles.xml'],
      ['rId2', 'footnotes', 'footnotes.xml'],
    ]),
    'word/styles.xml': WORD_STYLES,
    'docProps/core.xml': core(title),
    ...more,
  });
}

/**
 * Returns a shape of a slide.
 * @param type of its placeholder
 */
export function shape(text: string, type = 'body'): string {
  const lines = text.split('\n').map((line) => `<a:p><a:r><a:t>${line}</a:t></a:r></a:p>`);
  return `<p:sp><p:nvSpPr><p:nvPr><p:ph type="${type}"/></p:nvPr></p:nvSpPr><p:txBody>${lines.join('')}</p:txBody></p:sp>`;
}

/**
 * Builds a presentation.
 * @param shown the shapes of each slide; the files are numbered in reverse order
 */
export function pptx(shown: string[], { notes = '' }: { notes?: string } = {}): Uint8Array {
  const fileOf = (at: number) => `slides/slide${shown.length - at}.xml`;
  const parts = Object.fromEntries(
    shown.map((shapes, at) => [
      `ppt/${fileOf(at)}`,
      `<p:sld ${slides}><p:cSld><p:spTree>${shapes}</p:spTree></p:cSld></p:sld>`,
    ]),
  );
  const ids = shown.map((_, at) => `<p:sldId id="${256 + at}" r:id="rId${at}"/>`);
  const first = fileOf(0).replace('slides/', '');
  return archive({
    '[Content_Types].xml': '<Types/>',
    'ppt/presentation.xml': `<p:presentation ${slides}><p:sldIdLst>${ids.join('')}</p:sldIdLst></p:presentation>`,
    'ppt/_rels/presentation.xml.rels': relations(
      shown.map((_, at) => [`rId${at}`, 'slide', fileOf(at)] as const),
    ),
    [`ppt/slides/_rels/${first}.rels`]: relations([
      ['rId1', 'notesSlide', '../notesSlides/notesSlide1.xml'],
    ]),
    'ppt/notesSlides/notesSlide1.xml': `<p:notes ${slides}><p:cSld><p:spTree>${shape(notes)}${shape('7', 'sldNum')}</p:spTree></p:cSld></p:notes>`,
    ...parts,
  });
}

/**
 * Builds a workbook.
 * @param sheets the rows of each, as XML
 * @param strings of the shared table
 * @param more other parts, or replacements
 */
export function xlsx(
  sheets: Record<string, string>,
  {
    strings = [],
    hidden = [],
    more = {},
  }: { strings?: string[]; hidden?: string[]; more?: Record<string, string> } = {},
): Uint8Array {
  const names = Object.keys(sheets);
  const list = names.map(
    (name, at) =>
      `<sheet name="${name}" sheetId="${at + 1}" r:id="rId${at}"${hidden.includes(name) ? ' state="hidden"' : ''}/>`,
  );
  return archive({
    '[Content_Types].xml': '<Types/>',
    'xl/workbook.xml': `<workbook xmlns:r="${relationship}"><sheets>${list.join('')}</sheets></workbook>`,
    'xl/_rels/workbook.xml.rels': relations([
      ...names.map((_, at) => [`rId${at}`, 'worksheet', `worksheets/sheet${at}.xml`] as const),
      ['s', 'sharedStrings', 'sharedStrings.xml'],
      ['f', 'styles', 'styles.xml'],
    ]),
    'xl/sharedStrings.xml': `<sst>${strings.map((text) => `<si><t>${text}</t></si>`).join('')}</sst>`,
    'xl/styles.xml':
      '<styleSheet><numFmts><numFmt numFmtId="164" formatCode="dd\\.mm\\.yyyy"/></numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>' +
      '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="9"/><xf numFmtId="164"/><xf numFmtId="22"/></cellXfs></styleSheet>',
    ...Object.fromEntries(
      Object.values(sheets).map((rows, at) => [
        `xl/worksheets/sheet${at}.xml`,
        `<worksheet><sheetData>${rows}</sheetData></worksheet>`,
      ]),
    ),
    ...more,
  });
}

/**
 * Builds a book.
 * @param chapters XHTML bodies; the package lists them in reverse reading order
 */
export function epub(chapters: string[], more: Record<string, string> = {}): Uint8Array {
  const items = chapters.map(
    (_, at) =>
      `<item id="c${at}" href="text/part%20${at}.xhtml" media-type="application/xhtml+xml"/>`,
  );
  const spine = chapters.map((_, at) => `<itemref idref="c${at}"/>`);
  return archive({
    mimetype: 'application/epub+zip',
    'META-INF/container.xml':
      '<container><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>',
    'OEBPS/book.opf': `<package xmlns:dc="d"><metadata><dc:title>The Pump Book</dc:title></metadata><manifest>${items.toReversed().join('')}</manifest><spine>${spine.join('')}</spine></package>`,
    ...Object.fromEntries(
      chapters.map((chapter, at) => [
        `OEBPS/text/part ${at}.xhtml`,
        `<?xml version="1.0"?><!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml"><head><title/><script src="x"/></head><body>${chapter}</body></html>`,
      ]),
    ),
    ...more,
  });
}
