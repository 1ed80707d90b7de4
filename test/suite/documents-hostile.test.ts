/**
 * Documents that mean harm, or are far too much: a clear refusal in little time, while others are
 * served.
 */
import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { archive, docx, epub, paragraph, pptx, shape, xlsx } from '../support/office.ts';
import { HELVETICA, makePdf, makePdfOfForms, makePdfOfPages } from '../support/pdf.ts';
import { post, upload } from './documents-client.ts';
import { aProblem } from './shapes.ts';
import { suiteTarget, unique } from './target.ts';

const target = suiteTarget();
const MEGABYTE = 1024 * 1024;

const manySpaces = (megabytes: number) => new Uint8Array(megabytes * MEGABYTE).fill(32);
const entities = `<!DOCTYPE w [<!ENTITY a "ha">${Array.from({ length: 9 }, (_, at) => `<!ENTITY a${at} "${`&a${at - 1};`.repeat(10)}">`).join('')}]>`;
const external = '<!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/passwd">]>';
const body = (inner: string) => `<w:document><w:body>${inner}</w:body></w:document>`;
const ole = Buffer.concat([
  Buffer.from('d0cf11e0a1b11ae1', 'hex'),
  Buffer.alloc(1_016),
  Buffer.from('EncryptedPackage', 'utf16le'),
]);

/**
 * Says of the first entry of an archive that it unpacks to so many bytes; in both places where that
 * stands.
 */
function lyingArchive(content: Uint8Array, size: number): Uint8Array {
  const bytes = Buffer.from(content);
  bytes.writeUInt32LE(size, 22);
  bytes.writeUInt32LE(size, bytes.indexOf('PK\x01\x02', 0, 'latin1') + 24);
  return bytes;
}

/** Sets the flag of encryption on every entry of an archive. */
function lockedArchive(content: Uint8Array): Uint8Array {
  const bytes = Buffer.from(content);
  for (
    let at = bytes.indexOf('PK\x01\x02', 0, 'latin1');
    at >= 0;
    at = bytes.indexOf('PK\x01\x02', at + 4, 'latin1')
  )
    bytes.writeUInt16LE(bytes.readUInt16LE(at + 8) | 1, at + 8);
  return bytes;
}

/** Overwrites the packed bytes of an entry. */
function damaged(content: Uint8Array, name: string): Uint8Array {
  const bytes = Buffer.from(content);
  const start = bytes.indexOf(name, 0, 'latin1') + name.length;
  return bytes.fill(0xff, start, start + 30);
}

/** A PDF of one page whose content is 300 MB of spaces. @param times that it was packed */
function packedPdf(times: 1 | 2): Uint8Array {
  const once = deflateSync(Buffer.alloc(300 * MEGABYTE, ' '));
  const bytes = times === 1 ? once : deflateSync(once);
  return makePdf([['unused']], {
    packed: { bytes, filters: Array.from({ length: times }, () => 'FlateDecode') },
  });
}

function filteredPdf(bytes: Buffer, ...filters: string[]): Uint8Array {
  return makePdf([['unused']], { packed: { bytes, filters } });
}

/** A page whose content says that it is a picture, which text needs none of. */
function disguisedPdf(): Uint8Array {
  const bytes = deflateSync(Buffer.alloc(700 * MEGABYTE, ' '));
  const filters = ['FlateDecode] /Subtype /Image /Width 9 /Height 9 /X ['];
  const file = Buffer.from(makePdf([['unused']], { packed: { bytes, filters } })).toString(
    'latin1',
  );
  return Buffer.from(file.replace('/FlateDecode] /Subtype', '/FlateDecode] /Subtype'), 'latin1');
}

/** A page whose content is one stream again and again. */
function repeatedPdf(times: number): Uint8Array {
  const bytes = deflateSync(Buffer.alloc(30 * MEGABYTE, 'q Q\n'));
  const file = Buffer.from(makePdf([['unused']], { packed: { bytes, filters: ['FlateDecode'] } }));
  const text = file.toString('latin1');
  return Buffer.from(
    text.replace('/Contents 5 0 R', `/Contents [${'5 0 R '.repeat(times)}]`),
    'latin1',
  );
}

/**
 * Packs megabytes of spaces by the lengths of their runs: at most 128 in each (ISO 32000-1 7.4.5).
 */
function runsOfSpaces(megabytes: number): Buffer {
  return Buffer.alloc((megabytes * MEGABYTE) / 64, Buffer.from([257 - 128, 32]));
}

/** Packs megabytes of spaces by LZW, in codes that each stand for one more than the last. */
function lzwOfSpaces(megabytes: number): Buffer {
  const bytes: number[] = [];
  let [bits, held] = [0, 0];
  const write = (code: number, width: number) => {
    held = (held << width) | code;
    for (bits += width; bits >= 8; bits -= 8) bytes.push((held >> (bits - 8)) & 0xff);
    held &= (1 << bits) - 1;
  };
  const widthAt = (next: number) => (next < 511 ? 9 : next < 1023 ? 10 : next < 2047 ? 11 : 12);
  for (let length = 0; length < megabytes * MEGABYTE;) {
    write(256, 12);
    write(32, 9);
    length++;
    for (let next = 258; next < 4_094; next++) {
      write(next, widthAt(next));
      length += next - 256;
    }
  }
  return Buffer.from(bytes);
}

const hostile: [string, string, () => Uint8Array | string, number][] = [
  ['a zip bomb', 'a.docx', () => docx('', { more: { 'word/document.xml': manySpaces(200) } }), 413],
  [
    'a bomb in a part beside the text',
    'a.xlsx',
    () =>
      archive({ 'xl/workbook.xml': '<workbook/>', 'xl/_rels/workbook.xml.rels': manySpaces(100) }),
    413,
  ],
  [
    'many parts that are too much together',
    'a.pptx',
    () =>
      pptx(
        Array.from({ length: 60 }, (_, at) =>
          shape(
            Buffer.from(
              Uint8Array.from(
                { length: MEGABYTE },
                (__, byte) => 97 + ((byte * (at + 7) + (byte >> 9)) % 26),
              ),
            ).toString('latin1'),
          ),
        ),
      ),
    413,
  ],
  [
    'an entry that says less than it unpacks to',
    'a.docx',
    () => lyingArchive(archive({ 'word/document.xml': manySpaces(150) }), 1_000),
    413,
  ],
  [
    'a bomb in a book',
    'a.epub',
    () => epub([], { 'META-INF/encryption.xml': ' '.repeat(100 * MEGABYTE) }),
    413,
  ],
  [
    'an XML bomb',
    'a.docx',
    () => docx('', { more: { 'word/document.xml': entities + body('&a8;') } }),
    400,
  ],
  [
    'an external entity',
    'a.docx',
    () => docx('', { more: { 'word/document.xml': external + body('&x;') } }),
    400,
  ],
  [
    'a type of its own in styles',
    'a.docx',
    () => docx(paragraph('x'), { more: { 'word/styles.xml': entities } }),
    400,
  ],
  ['XML that is nested too deeply', 'a.docx', () => docx('<w:x>'.repeat(100_000)), 400],
  ['an encrypted office document', 'a.docx', () => ole, 400],
  ['the same under no name', 'a', () => ole, 400],
  ['an archive with a password', 'a.docx', () => lockedArchive(docx(paragraph('x'))), 400],
  [
    'a book with copy protection',
    'a.epub',
    () =>
      epub(['<p>x'], {
        'META-INF/encryption.xml': '<e><CipherReference URI="OEBPS/text/part%200.xhtml"/></e>',
      }),
    400,
  ],
  ['an archive cut short', 'a.docx', () => docx(paragraph('words')).slice(0, 500), 400],
  [
    'a Word document without a text',
    'a.docx',
    () => archive({ '[Content_Types].xml': '<Types/>' }),
    400,
  ],
  ['a Word document that says nothing', 'a.docx', () => docx(''), 400],
  ['a text that is called one', 'a.docx', () => 'This is no archive.', 400],
  [
    'damaged packing',
    'a.docx',
    () => damaged(docx(paragraph('words '.repeat(999))), 'word/document.xml'),
    400,
  ],
  ['an archive of pictures', 'a.zip', () => archive({ 'a.png': 'no' }), 415],
  [
    'an old office document',
    'a.doc',
    () => Buffer.concat([Buffer.from('d0cf11e0a1b11ae1', 'hex'), Buffer.alloc(999)]),
    415,
  ],
  ['one line of ten megabytes', 'a.txt', () => 'x'.repeat(10 * MEGABYTE), 413],
  [
    'one line of HTML of ten megabytes',
    'a.html',
    () => `<p>${'x'.repeat(10 * MEGABYTE - 10)}`,
    413,
  ],
  [
    'a workbook of one huge cell',
    'a.xlsx',
    () => xlsx({ A: `<row><c t="str"><v>${'lorem ipsum '.repeat(500_000)}</v></c></row>` }),
    413,
  ],
  ['a mail of a hundred thousand parts', 'a.eml', () => manyParts(100_000), 413],
  ['a mail nested without end', 'a.eml', () => nestedMail(3_000), 400],
  ['a row of a million cells', 'a.html', () => `<table><tr>${'<td>a'.repeat(1_000_000)}`, 413],
  ['a PDF of gigabytes', 'a.pdf', () => packedPdf(1), 413],
  ['a PDF of gigabytes, packed twice', 'a.pdf', () => packedPdf(2), 413],
  ['a PDF of gigabytes that calls itself a picture', 'a.pdf', () => disguisedPdf(), 413],
  [
    'a PDF of gigabytes, packed by LZW',
    'a.pdf',
    () => filteredPdf(lzwOfSpaces(400), 'LZWDecode'),
    413,
  ],
  [
    'a PDF of gigabytes, packed by the length of runs',
    'a.pdf',
    () => filteredPdf(runsOfSpaces(600), 'RunLengthDecode'),
    413,
  ],
  [
    'a PDF whose page is the same megabytes a thousand times',
    'a.pdf',
    () => repeatedPdf(1_000),
    413,
  ],
  ['a page of operators', 'a.pdf', () => pageOf('/G1 gs\n'), 413],
  ['a page of words that mean nothing', 'a.pdf', () => pageOf('abc\n'), 413],
  ['a page of pieces of text', 'a.pdf', () => pageOf('BT /F1 12 Tf (ab) Tj ET\n'), 413],
  [
    'one string of megabytes',
    'a.pdf',
    () => pageOf('ab c', { before: 'BT /F1 12 Tf (', after: ') Tj ET' }),
    400,
  ],
  ['forms in forms, eight in each', 'a.pdf', () => makePdfOfForms({ depth: 12, each: 8 }), 413],
  ['a page of fifty thousand fields', 'a.pdf', () => manyFields(50_000), 413],
  ['five thousand pages', 'a.pdf', () => makePdf(Array.from({ length: 5_000 }, () => ['x'])), 413],
];

/** A page of 30 MB of the same, again and again. */
function pageOf(content: string, { before = '', after = '' } = {}): Uint8Array {
  const bytes = Buffer.from(before + content.repeat((30 * MEGABYTE) / content.length) + after);
  return filteredPdf(deflateSync(bytes), 'FlateDecode');
}

function manyFields(count: number): Uint8Array {
  const annotations = Array.from(
    { length: count },
    (_, at) => `<< /Type /Annot /Subtype /Widget /FT /Tx /T (f${at}) /V (v) /Rect [0 0 1 1] >>`,
  );
  return makePdfOfPages([{ font: HELVETICA, codes: '61', annotations }]);
}

function manyParts(count: number): string {
  return `From: a@example.com\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\nx\r\n'.repeat(count)}`;
}

function nestedMail(depth: number): string {
  const parts = Array.from(
    { length: depth },
    (_, at) => `Content-Type: multipart/mixed; boundary=b${at}\r\n\r\n--b${at}\r\n`,
  );
  return `From: a@b.c\r\nMIME-Version: 1.0\r\n${parts.join('')}\r\nx`;
}

describe('what is refused, and how soon', () => {
  it.each(hostile)('%s', async (_, name, content, status) => {
    const user_id = unique('user');
    const bytes = content();
    const started = performance.now();
    const refusing = upload({ user_id }, { content: bytes, name });
    const other = await post({ user_id: unique('user'), text: 'Meanwhile.' });
    expect(other.status).toBe(200);
    const code = {
      400: 'document_unreadable',
      413: 'payload_too_large',
      415: 'unsupported_media_type',
    }[status]!;
    const { status: given, json } = await refusing;
    expect({ status: given, json }).toMatchObject({ status, json: aProblem(status, code) });
    expect(performance.now() - started).toBeLessThan(20_000);
    expect((await target.call(`/documents?user_id=${user_id}`)).json).toEqual([]);
  });

  it('is not a PDF that nests a million times', async () => {
    const bytes = deflateSync(Buffer.from(`${'q '.repeat(1_000_000)}BT /F1 12 Tf (Found) Tj ET`));
    const content = filteredPdf(bytes, 'FlateDecode');
    const { status, json } = await upload({ user_id: unique('user') }, { content, name: 'a.pdf' });
    expect(status).toBe(200);
    expect((await target.call(`/documents/${json.document_id}/text`)).text).toBe('Found');
  });

  it('lets others be answered while a page is read', async () => {
    const user_id = unique('user');
    let isRefused = false;
    const refusing = upload({ user_id }, { content: pageOf('/G1 gs\n'), name: 'a.pdf' });
    void refusing.finally(() => (isRefused = true));
    let answered = 0;
    while (!isRefused) {
      const other = await target.call(`/documents?user_id=${user_id}`);
      expect(other).toMatchObject({ status: 200, json: [] });
      if (!isRefused) answered++;
    }
    expect((await refusing).status).toBe(413);
    expect(answered).toBeGreaterThan(5);
  });

  it('does not concern macros, which are ignored, and entities that a book may have', async () => {
    const user_id = unique('user');
    const macros = docx(paragraph('The pump.'), {
      more: { 'word/vbaProject.bin': new Uint8Array([0, 1, 2]) },
    });
    expect((await upload({ user_id }, { content: macros, name: 'a.docm' })).status).toBe(200);
    const book = await upload(
      { user_id },
      { content: epub(['<p>&eacute;&unknown;</p>']), name: 'a.epub' },
    );
    const { text } = await target.call(`/documents/${book.json.document_id}/text`);
    expect(text).toBe('é&unknown;');
  });

  it('is JSON that is nested too deeply', async () => {
    const deep = '['.repeat(5_000) + ']'.repeat(5_000);
    const user_id = unique('user');
    const headers = { 'content-type': 'application/json' };
    for (const fields of [
      `"metadata": {"a": ${deep}}`,
      `"metadata": ${deep}`,
      `"title": ${deep}`,
    ]) {
      const rawBody = `{"user_id": "${user_id}", "text": "x", ${fields}}`;
      const answer = await target.call('/documents', { rawBody, headers });
      expect(answer).toMatchObject({ status: 400, json: aProblem(400, 'invalid_request') });
    }
    const form = await upload({ user_id, metadata: `{"a": ${deep}}` }, { content: 'x' });
    expect(form).toMatchObject({ status: 400, json: aProblem(400, 'invalid_request') });
    // A file of such JSON is a text like any other.
    const file = await upload(
      { user_id },
      { content: deep, name: 'deep.json', type: 'application/json' },
    );
    expect(file.status).toBe(200);
  });
});
