/**
 * PDFs as programs and authorities make them: foreign fonts, forms, notes, titles that are none,
 * too many pages.
 */
import { describe, expect, it } from 'vitest';
import { cidFont, HELVETICA, makePdf, makePdfOfPages, type PdfPage } from '../support/pdf.ts';
import { search, upload } from './documents-client.ts';
import { aProblem } from './shapes.ts';
import { suiteTarget, unique } from './target.ts';

const target = suiteTarget();

const hexOf = (text: string) => Buffer.from(text, 'latin1').toString('hex');
const page = (text: string, annotations: string[] = []): PdfPage => {
  return { font: HELVETICA, codes: hexOf(text), annotations };
};
const send = (content: Uint8Array, name = 'file.pdf') =>
  upload({ user_id: unique('user') }, { content, name, type: 'application/pdf' });

async function textOf(content: Uint8Array): Promise<string> {
  const { status, json } = await send(content);
  expect({ status, json }).toMatchObject({ status: 200, json: { status: 'ready' } });
  return (await target.call(`/documents/${json.document_id}/text`)).text;
}

describe('a PDF in a font of the reader’s own', () => {
  it.each([
    ['90ms-RKSJ-H', 'Japan1', '95db8fd8', '保証'],
    ['90ms-RKSJ-V', 'Japan1', '95db8fd8', '保証'],
    ['UniJIS-UTF16-H', 'Japan1', '4fdd8a3c', '保証'],
    ['H', 'Japan1', '4a5d3e5a', '保証'],
    ['GBK-EUC-H', 'GB1', 'b1a3d6a4', '保证'],
    ['UniGB-UCS2-H', 'GB1', '4fdd8bc1', '保证'],
    ['ETen-B5-H', 'CNS1', 'a4a4a4e5', '中文'],
    ['UniCNS-UTF16-H', 'CNS1', '4fdd8b49', '保證'],
    ['KSCms-UHC-H', 'Korea1', 'bab8c1f5', '보증'],
    ['UniKS-UCS2-H', 'Korea1', 'bcf4c99d', '보증'],
  ])('%s of %s is read', async (cmap, ordering, codes, text) => {
    expect(await textOf(makePdfOfPages([{ font: cidFont(cmap, ordering), codes }]))).toBe(text);
  });

  it('is refused where the font does not say which characters it shows', async () => {
    const codes = Array.from({ length: 28 }, (_, at) => (at + 1).toString(16).padStart(4, '0'));
    const font = cidFont('Identity-H', 'Identity');
    const answer = await send(makePdfOfPages([{ font, codes: codes.join('') }]));
    expect(answer).toMatchObject({ status: 400, json: aProblem(400, 'document_unreadable') });
    expect(answer.json.detail).toContain('recognised');
  });
});

const widget = '/Type /Annot /Subtype /Widget /Rect [100 100 200 120]';
const note = '/Type /Annot /Subtype /FreeText /Rect [100 100 200 120] /DA (/Helv 12 Tf)';

describe('what was filled into a PDF', () => {
  it.each([
    ['a text field', `<< ${widget} /FT /Tx /T (surname) /V (Zimmermann) >>`, 'surname: Zimmermann'],
    [
      'a text field in UTF-16 with a name for programs',
      `<< ${widget} /FT /Tx /T (form1[0].f_1) /TU (Street) /V <feff00d60064> >>`,
      'Street: Öd',
    ],
    [
      'a choice, as people read it',
      `<< ${widget} /FT /Ch /T (country) /Opt [[(de) (Germany)] [(fr) (France)]] /V (de) >>`,
      'country: Germany',
    ],
    [
      'several choices',
      `<< ${widget} /FT /Ch /Ff 2097152 /T (colours) /Opt [(red) (green) (blue)] /V [(red) (blue)] >>`,
      'colours: red, blue',
    ],
    [
      'a box that is ticked',
      `<< ${widget} /FT /Btn /T (member) /V /Yes /AS /Yes /AP << /N << /Yes 1 0 R /Off 1 0 R >> >> >>`,
      'member: Yes',
    ],
    ['free text', `<< ${note} /Contents (Paid in full) >>`, 'Paid in full'],
  ])('is in its text: %s', async (_, annotation, line) => {
    expect(await textOf(makePdfOfPages([page('Form 7', [annotation])]))).toBe(`Form 7\n${line}`);
    expect(await textOf(makePdfOfPages([page('', [annotation])]))).toBe(line);
  });

  it('is found', async () => {
    const user_id = unique('user');
    const field = `<< ${widget} /FT /Tx /T (surname) /V (Zimmermann) >>`;
    const content = makePdfOfPages([page('Application'), page('Page two', [field])]);
    await upload({ user_id }, { content, name: 'form.pdf', type: 'application/pdf' });
    expect(await search({ user_id, query: 'Zimmermann', mode: 'keyword' })).toHaveLength(1);
  });

  it.each([
    ['a password', `<< ${widget} /FT /Tx /T (secret) /Ff 8192 /V (hunter2) >>`],
    ['what is hidden', `<< ${note} /F 2 /Contents (Not for you) >>`],
    ['a box that is not ticked', `<< ${widget} /FT /Btn /T (member) /V /Off /AS /Off >>`],
    ['an empty field', `<< ${widget} /FT /Tx /T (surname) >>`],
  ])('is not in it where it is %s', async (_, annotation) => {
    expect(await textOf(makePdfOfPages([page('Form 7', [annotation])]))).toBe('Form 7');
  });
});

describe('the title of a PDF', () => {
  it.each([
    'Microsoft Word - Document1',
    'Microsoft PowerPoint - talk.ppt',
    'untitled',
    'Untitled-3',
    'Unbenannt',
    'Document1',
    'PowerPoint Presentation',
    'report_final.docx',
    'C:\\\\Users\\\\me\\\\x',
    '(null)',
    ' - ',
  ])('is not %s but the name of its file', async (title) => {
    const escaped = title.replace(/[()]/gu, '\\$&');
    const { json } = await send(makePdfOfPages([page('Words')], { title: escaped }), 'pumps.pdf');
    expect(json.title).toBe('pumps.pdf');
  });

  it.each(['Annual report 2024', 'Documentation', 'The Word', 'Title IX', 'Presentation skills'])(
    'may be %s',
    async (title) => {
      expect((await send(makePdfOfPages([page('Words')], { title }))).json.title).toBe(title);
    },
  );
});

describe('a text about PDFs', () => {
  it.each([
    ['notes.md', 'text/markdown', '# Format\n\nA PDF begins with `%PDF-1.7`.'],
    ['read.ts', 'text/plain', "const header = '%PDF-1.4\\n';\n"],
    ['notes', '', 'Every file starts with\n\n%PDF-1.7\n1 0 obj\n<< >>\nendobj\n\nand so on.'],
    ['page.html', 'text/html', '<html><body><p>The header is %PDF-2.0.</p></body></html>'],
    ['a.csv', 'text/csv', 'format,header\npdf,%PDF-1.5\n'],
  ])('is a text: %s', async (name, type, content) => {
    const { status, json } = await upload({ user_id: unique('user') }, { content, name, type });
    expect({ status, json }).toMatchObject({ status: 200, json: { status: 'ready' } });
    expect(json.mime_type).not.toBe('application/pdf');
  });

  it('is not what a PDF with something before its header is', async () => {
    for (const before of ['\n\n', '\x00\x05\x16', 'HTTP/1.1 200 OK\r\n\r\n']) {
      const content = Buffer.concat([Buffer.from(before), makePdf([['A heron stands still.']])]);
      const { status, json } = await upload({ user_id: unique('user') }, { content });
      expect({ status, json }).toMatchObject({
        status: 200,
        json: { mime_type: 'application/pdf' },
      });
    }
  });
});

it('a PDF of five thousand pages is refused at once', async () => {
  const started = performance.now();
  const answer = await send(makePdf(Array.from({ length: 5_000 }, (_, at) => [`Page ${at}`])));
  expect(answer).toMatchObject({ status: 413, json: aProblem(413, 'payload_too_large') });
  expect(answer.json.detail).toContain('5000 pages');
  expect(performance.now() - started).toBeLessThan(20_000);
});
