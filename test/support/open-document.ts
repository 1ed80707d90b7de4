/** Builds minimal OpenDocument files. */
import { archive } from './office.ts';

const NAMESPACES = ['office', 'style', 'text', 'table', 'draw', 'presentation', 'svg', 'dc', 'meta']
  .map((name) => `xmlns:${name}="${name}"`)
  .join(' ');

export type OpenDocumentType = 'text' | 'presentation' | 'spreadsheet';

export interface OpenDocumentParts {
  title?: string;
  /** Automatic styles of the text, as XML. */
  styles?: string;
  /** The master page, as XML. */
  master?: string;
  /** Other parts, or replacements. */
  more?: Record<string, string | Uint8Array>;
}

/** Builds an OpenDocument file. @param body the content of `office:text` or its like, as XML */
export function openDocument(
  type: OpenDocumentType,
  body: string,
  { title = '', styles = '', master = '', more = {} }: OpenDocumentParts = {},
): Uint8Array {
  const document = (name: string, inner: string) =>
    `<?xml version="1.0" encoding="UTF-8"?><office:document-${name} ${NAMESPACES}>${inner}</office:document-${name}>`;
  return archive({
    mimetype: `application/vnd.oasis.opendocument.${type}`,
    'META-INF/manifest.xml':
      '<!DOCTYPE manifest:manifest PUBLIC "-//OpenOffice.org//DTD Manifest 1.0//EN" "Manifest.dtd"><manifest:manifest/>',
    'content.xml': document(
      'content',
      `<office:automatic-styles>${styles}</office:automatic-styles><office:body><office:${type}>${body}</office:${type}></office:body>`,
    ),
    'styles.xml': document('styles', `<office:master-styles>${master}</office:master-styles>`),
    'meta.xml': document('meta', `<office:meta><dc:title>${title}</dc:title></office:meta>`),
    ...more,
  });
}

/** Returns a cell of a table. */
export function openCell(text: string, attributes = ''): string {
  return `<table:table-cell ${attributes}><text:p>${text}</text:p></table:table-cell>`;
}

/** Returns a row of a table. */
export function openRow(cells: string[], attributes = ''): string {
  return `<table:table-row ${attributes}>${cells.join('')}</table:table-row>`;
}
