/**
 * Builds a PDF with one page of plain lines for each list of them.
 * @param packed what the pages hold instead, as it is after these filters
 */
export function makePdf(
  pages: string[][],
  {
    encrypted = false,
    packed,
  }: { encrypted?: boolean; packed?: { bytes: Buffer; filters: string[] } } = {},
): Uint8Array {
  const objects: string[] = [];
  const add = (body: string) => objects.push(body);
  const kids = pages.map((_, at) => `${4 + at * 2} 0 R`).join(' ');
  add('<< /Type /Catalog /Pages 2 0 R >>');
  add(`<< /Type /Pages /Kids [${kids}] /Count ${pages.length} >>`);
  add('<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>');
  pages.forEach((lines, at) => {
    add(
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents ${5 + at * 2} 0 R /Resources << /Font << /F1 3 0 R >> >> >>`,
    );
    const text = lines.map((line) => `(${line.replace(/[\\()]/gu, '\\$&')}) Tj T*`).join('\n');
    const stream = packed?.bytes.toString('latin1') ?? `BT /F1 12 Tf 14 TL 72 720 Td\n${text}\nET`;
    const filters = (packed?.filters ?? []).map((name) => `/${name}`).join(' ');
    add(`<< /Length ${stream.length} /Filter [${filters}] >>\nstream\n${stream}\nendstream`);
  });
  if (encrypted) {
    const key = 'a'.repeat(64);
    add(`<< /Filter /Standard /V 1 /R 2 /Length 40 /P -44 /O <${key}> /U <${key}> >>`);
  }
  return assemble(objects, encrypted);
}

function assemble(objects: string[], encrypted: boolean, trailer = ''): Uint8Array {
  let file = '%PDF-1.4\n';
  const offsets = objects.map((body, at) => {
    const offset = file.length;
    file += `${at + 1} 0 obj\n${body}\nendobj\n`;
    return offset;
  });
  const start = file.length;
  const table = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  const locked = encrypted ? ` /Encrypt ${objects.length} 0 R /ID [<61> <61>]` : '';
  file += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${table}`;
  file += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R${locked}${trailer} >>\nstartxref\n${start}\n%%EOF\n`;
  return new Uint8Array(Buffer.from(file, 'latin1'));
}

/** A page's text in its own font, and whatever else belongs to the page. */
export interface PdfPage {
  /** The font's dictionary. */
  font: string;
  /** The text, as hexadecimal character codes of the font. */
  codes: string;
  /** Dictionaries of annotations and form fields. */
  annotations?: string[];
}

/** Builds a PDF of pages with their own fonts, annotations and a title. */
export function makePdfOfPages(pages: PdfPage[], { title }: { title?: string } = {}): Uint8Array {
  const objects = ['', '', `<< ${title === undefined ? '' : `/Title (${title})`} >>`];
  const add = (body: string) => `${objects.push(body)} 0 R`;
  const fields: string[] = [];
  const kids = pages.map(({ font, codes, annotations = [] }) => {
    const references = annotations.map(add);
    fields.push(...references.filter((_, at) => annotations[at]?.includes('/FT')));
    const stream = codes === '' ? '' : `BT /F1 12 Tf 72 720 Td <${codes}> Tj ET`;
    const contents = add(`<< /Length ${stream.length} >>\nstream\n${stream}\nendstream`);
    return add(
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents ${contents} ` +
        `/Annots [${references.join(' ')}] /Resources << /Font << /F1 ${add(font)} >> >> >>`,
    );
  });
  objects[0] = `<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [${fields.join(' ')}] >> >>`;
  objects[1] = `<< /Type /Pages /Kids [${kids.join(' ')}] /Count ${pages.length} >>`;
  return assemble(objects, false, ' /Info 3 0 R');
}

/**
 * Returns a font that the reader provides, by its CMap (`90ms-RKSJ-H`) and character collection
 * (`Japan1`).
 */
export function cidFont(cmap: string, ordering: string): string {
  const system = `<< /Registry (Adobe) /Ordering (${ordering}) /Supplement 2 >>`;
  const descriptor =
    '<< /Type /FontDescriptor /FontName /Foreign /Flags 4 /FontBBox [0 0 1000 1000] ' +
    '/ItalicAngle 0 /Ascent 800 /Descent -200 /CapHeight 700 /StemV 80 >>';
  return (
    `<< /Type /Font /Subtype /Type0 /BaseFont /Foreign /Encoding /${cmap} /DescendantFonts ` +
    `[<< /Type /Font /Subtype /CIDFontType0 /BaseFont /Foreign /CIDSystemInfo ${system} /FontDescriptor ${descriptor} >>] >>`
  );
}

export const HELVETICA = '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>';

/** Builds a PDF whose page draws a form that draws the next one several times, and so on. */
export function makePdfOfForms({ depth, each }: { depth: number; each: number }): Uint8Array {
  const stream = (dictionary: string, content: string) =>
    `<< ${dictionary} /Length ${content.length} >>\nstream\n${content}\nendstream`;
  const form = '/Type /XObject /Subtype /Form /BBox [0 0 1 1]';
  const resources = (next: number) =>
    `/Resources << /Font << /F1 ${HELVETICA} >> /XObject << /X ${next} 0 R >> >>`;
  const forms = Array.from({ length: depth }, (_, at) =>
    stream(`${form} ${resources(6 + at)}`, '/X Do '.repeat(each)),
  );
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R ${resources(5)} >>`,
    stream('', '/X Do'),
    ...forms,
    stream(`${form} ${resources(5)}`, 'BT /F1 12 Tf (Found) Tj ET'),
  ];
  return assemble(objects, false);
}
