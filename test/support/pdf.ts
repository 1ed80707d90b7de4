/**
 * A PDF with one page of plain lines for each list of them.
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

function assemble(objects: string[], encrypted: boolean): Uint8Array {
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
  file += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R${locked} >>\nstartxref\n${start}\n%%EOF\n`;
  return new Uint8Array(Buffer.from(file, 'latin1'));
}
