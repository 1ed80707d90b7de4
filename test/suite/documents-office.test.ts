/** Office documents: what is read of them, and what they are found by. */
import { describe, expect, it } from 'vitest';
import { docx, paragraph, pptx, shape, xlsx } from '../support/office.ts';
import { inZip64 } from '../support/zip64.ts';
import { readDocument as read } from './documents-client.ts';

const cell = (text: string) => `<w:tc>${paragraph(text)}</w:tc>`;
const row = (...texts: string[]) => `<w:tr>${texts.map(cell).join('')}</w:tr>`;

describe('a Word document', () => {
  it('keeps headings, lists, tables and notes', async () => {
    const content = docx(
      [
        paragraph('Manual', 'berschrift1'),
        paragraph('The pump &amp; its valve.'),
        paragraph('Care', 'berschrift2'),
        '<w:p><w:pPr><w:numPr/></w:pPr><w:r><w:t>oil</w:t></w:r></w:p>',
        '<w:p><w:pPr><w:numPr/></w:pPr><w:r><w:t>water</w:t></w:r></w:p>',
        paragraph('Prices', 'Own'),
        `<w:tbl><w:tblPr><w:tblLook w:val="04A0"/></w:tblPr>${row('Part', 'Price')}${row('AB-1', '12')}</w:tbl>`,
        '<w:p><w:r><w:t>one</w:t><w:br/><w:t>two</w:t><w:tab/><w:t>three</w:t></w:r></w:p>',
      ].join(''),
      {
        title: 'Pump manual',
        more: {
          'word/footnotes.xml': `<w:footnotes xmlns:w="w">${paragraph('Only in summer.')}</w:footnotes>`,
        },
      },
    );
    const { text, json, find } = await read(content, 'manual.docx');
    expect(text).toBe(
      '# Manual\n\nThe pump & its valve.\n\n## Care\n\n- oil\n- water\n\n### Prices\n\n' +
        'Part | Price\n--- | ---\nAB-1 | 12\n\none\ntwo three\n\nOnly in summer.',
    );
    expect(json.title).toBe('Pump manual');
    expect(json.mime_type).toMatch(/wordprocessingml\.document$/);
    expect((await find('AB-1'))[0]!.text).toContain('AB-1 | 12');
  });

  it('has what was inserted and not what was deleted, and nothing twice', async () => {
    const content = docx(
      '<w:p><w:ins><w:r><w:t>new </w:t></w:r></w:ins><w:del><w:r><w:delText>old</w:delText></w:r></w:del>' +
        '<w:moveFrom><w:r><w:t>moved</w:t></w:r></w:moveFrom><w:r><w:instrText>PAGE</w:instrText></w:r>' +
        '<w:r><mc:AlternateContent><mc:Choice><w:t>box</w:t></mc:Choice><mc:Fallback><w:t>box</w:t></mc:Fallback></mc:AlternateContent></w:r></w:p>',
    );
    expect((await read(content, 'changes.docx')).text).toBe('new box');
  });

  it('keeps text boxes, diagrams, comments, headers and footers, each once', async () => {
    const part = (inner: string) => `<w:x xmlns:w="w" xmlns:a="a">${inner}</w:x>`;
    const box = `<w:r><w:txbxContent>${paragraph('in a box')}</w:txbxContent></w:r>`;
    const heading = `<w:p><w:pPr><w:pStyle w:val="berschrift1"/></w:pPr>${box}<w:r><w:t>Manual</w:t></w:r></w:p>`;
    const related = (
      [
        ['styles', 'styles.xml'],
        ['diagramData', 'diagrams/data1.xml'],
        ['comments', 'comments.xml'],
        ['header', 'header1.xml'],
        ['header', 'header2.xml'],
        ['footer', 'footer1.xml'],
      ] as const
    ).map(([type, file], at) => `<Relationship Id="r${at}" Type="x/${type}" Target="${file}"/>`);
    const content = docx(heading + paragraph('The pump.', 'Based') + paragraph('oil', 'List'), {
      more: {
        'word/_rels/document.xml.rels': `<Relationships>${related.join('')}</Relationships>`,
        'word/styles.xml': part(
          '<w:style w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>' +
            '<w:style w:styleId="Based"><w:basedOn w:val="berschrift1"/></w:style>' +
            '<w:style w:styleId="List"><w:pPr><w:numPr><w:numId w:val="3"/></w:numPr></w:pPr></w:style>',
        ),
        'word/diagrams/data1.xml': part('<a:p><a:t>First</a:t></a:p><a:p><a:t>Second</a:t></a:p>'),
        'word/comments.xml': part(paragraph('Is that so?')),
        'word/header1.xml': part(paragraph('ACME Pumps')),
        'word/header2.xml': part(paragraph('ACME Pumps')),
        'word/footer1.xml': part(paragraph('Confidential')),
      },
    });
    expect((await read(content, 'boxes.docx')).text).toBe(
      'in a box\n\n# Manual\n\n# The pump.\n\n- oil\n\nFirst\nSecond\n\nIs that so?\n\nACME Pumps\n\nConfidential',
    );
  });

  it('says what its charts show', async () => {
    const points = (...texts: string[]) =>
      texts.map((text, at) => (text ? `<c:pt idx="${at}"><c:v>${text}</c:v></c:pt>` : '')).join('');
    const series = (name: string, ...values: string[]) =>
      `<c:ser><c:tx><c:strRef><c:f>A1</c:f><c:strCache>${points(name)}</c:strCache></c:strRef></c:tx>` +
      `<c:cat><c:strRef><c:strCache>${points('2023', '2024')}</c:strCache></c:strRef></c:cat>` +
      `<c:val><c:numRef><c:numCache><c:formatCode>0</c:formatCode>${points(...values)}</c:numCache></c:numRef></c:val></c:ser>`;
    const title =
      '<c:title><c:tx><c:rich><a:p><a:r><a:t>Pumps </a:t></a:r><a:r><a:t>sold</a:t></a:r></a:p></c:rich></c:tx></c:title>';
    const content = docx(paragraph('See the chart.'), {
      more: {
        'word/_rels/document.xml.rels':
          '<Relationships><Relationship Id="r1" Type="x/chart" Target="charts/chart1.xml"/></Relationships>',
        'word/charts/chart1.xml': `<c:chartSpace xmlns:c="c" xmlns:a="a"><c:chart>${title}<c:plotArea><c:barChart>${series('North', '17', '23')}${series('South', '', '4')}</c:barChart></c:plotArea></c:chart></c:chartSpace>`,
      },
    });
    expect((await read(content, 'chart.docx')).text).toBe(
      'See the chart.\n\nPumps sold\n\n| North | South\n2023 | 17 |\n2024 | 23 | 4',
    );
  });

  it('is what it is, whatever is said of it', async () => {
    const content = docx(paragraph('The pump is blue.'));
    for (const [name, type] of [
      ['a.bin', ''],
      ['a.zip', 'application/zip'],
      ['a.txt', 'text/plain'],
      ['macros.docm', 'application/vnd.ms-word.document.macroEnabled.12'],
    ] as const)
      expect((await read(content, name, type)).text).toBe('The pump is blue.');
  });
});

describe('slides', () => {
  it('stand under their titles in the order in which they are shown, with notes and tables', async () => {
    const cells = (...texts: string[]) =>
      `<a:tr>${texts.map((text) => `<a:tc><a:txBody><a:p><a:r><a:t>${text}</a:t></a:r></a:p></a:txBody></a:tc>`).join('')}</a:tr>`;
    const table = `<p:graphicFrame><a:tbl><a:tblPr firstRow="1"/>${cells('Year', 'Sold')}${cells('2024', '17')}</a:tbl></p:graphicFrame>`;
    const content = pptx(
      [
        shape('blue\ngreen') + shape('Pumps', 'ctrTitle'),
        shape('No title here'),
        shape('Sales', 'title') + table,
      ],
      { notes: 'Speak slowly.' },
    );
    const { text, json } = await read(content, 'talk.pptx');
    expect(text).toBe(
      '# Pumps\n\nblue\ngreen\n\nSpeak slowly.\n\n# Slide 2\n\nNo title here\n\n# Sales\n\nYear | Sold\n--- | ---\n2024 | 17',
    );
    expect(json.mime_type).toMatch(/presentationml\.presentation$/);
  });
});

describe('a workbook', () => {
  it('has a table for each sheet, its values as people see them', async () => {
    const content = xlsx(
      {
        Prices:
          '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="C1" t="inlineStr"><is><t>From</t></is></c></row>' +
          '<row r="2"><c r="A2" t="s"><v>2</v></c><c r="B2"><v>0.30000000000000004</v></c><c r="C2" s="1"><v>45292</v></c></row>' +
          '<row r="3"><c r="A3" t="str"><f>A1&amp;"x"</f><v>AB-2</v></c><c r="C3" s="3"><v>45293</v></c></row>' +
          '<row r="4"><c r="A4" t="b"><v>1</v></c><c r="B4" s="2"><v>0.19</v></c><c r="C4" s="4"><v>45292.5</v></c></row>',
        Hidden: '<row r="1"><c r="A1" t="inlineStr"><is><t>secret</t></is></c></row>',
        'Größe &amp; Maß': '<row r="1"><c r="B1"><v>7</v></c></row>',
      },
      { strings: ['Part', 'Price', 'AB-1'], hidden: ['Hidden'] },
    );
    const { text, json, find } = await read(content, 'prices.xlsx');
    expect(text).toBe(
      '# Prices\n\nPart | Price | From\n--- | --- | ---\nAB-1 | 0.3 | 2024-01-01\nAB-2 |  | 2024-01-02\n' +
        'TRUE | 19% | 2024-01-01 12:00:00\n\n# Größe & Maß\n\n| 7',
    );
    expect(json.mime_type).toMatch(/spreadsheetml\.sheet$/);
    expect(await find('AB-2')).toHaveLength(1);
  });

  it('keeps durations, comments, text boxes, and cells that are far to the right', async () => {
    const relations = ['comments', 'drawing'].map(
      (type) => `<Relationship Id="${type}" Type="x/${type}" Target="../${type}.xml"/>`,
    );
    const cells =
      '<row r="1"><c r="A1" s="5"><v>1.25</v></c><c r="B1" s="6"><v>1.5</v></c>' +
      '<c r="XFD1" t="str"><v>far</v></c></row>';
    const content = xlsx(
      { Times: cells },
      {
        more: {
          'xl/worksheets/_rels/sheet0.xml.rels': `<Relationships>${relations.join('')}</Relationships>`,
          'xl/comments.xml':
            '<comments><comment ref="A1"><text><r><t>Check </t></r><r><t>this</t></r></text><anchor>31</anchor></comment></comments>',
          'xl/drawing.xml':
            '<x:d><x:from><x:col>3</x:col></x:from><x:txBody><a:p><a:t>in a box</a:t></a:p></x:txBody></x:d>',
          'xl/styles.xml':
            '<styleSheet><numFmts><numFmt numFmtId="164" formatCode="[h]:mm:ss"/></numFmts><cellXfs>' +
            `${'<xf numFmtId="0"/>'.repeat(5)}<xf numFmtId="164"/><xf numFmtId="46"/></cellXfs></styleSheet>`,
        },
      },
    );
    const { text } = await read(content, 'times.xlsx');
    expect(text).toMatch(/^# Times\n\n30:00:00 \| 36:00:00( \| )+far\n\nCheck this\nin a box$/);
  });

  it('is read as programs for large ones write it: streamed, with other prefixes and escapes', async () => {
    const content = xlsx(
      { Sizes: '<row><c t="s"><v>0</v></c></row>' },
      {
        strings: ['one_x000D_\ntwo _x0041_BC _xyz_'],
        more: {
          'xl/workbook.xml':
            '<x:workbook xmlns:d3p1="r"><x:sheets><x:sheet name="Sizes" sheetId="1" d3p1:id="rId0"/></x:sheets></x:workbook>',
        },
      },
    );
    const { text } = await read(inZip64(content), 'large.xlsx');
    expect(text).toBe('# Sizes\n\none two ABC _xyz_');
  });

  it('repeats the header of a long sheet', async () => {
    const rows = Array.from(
      { length: 400 },
      (_, at) =>
        `<row><c t="inlineStr"><is><t>Pump${at}x</t></is></c><c><v>${at * 7}</v></c></row>`,
    );
    const head =
      '<row><c t="inlineStr"><is><t>Article</t></is></c><c t="inlineStr"><is><t>Price</t></is></c></row>';
    const { find } = await read(xlsx({ Stock: head + rows.join('') }), 'stock.xlsx');
    const [found] = await find('Pump387x');
    expect(found).toMatchObject({ headings: ['Stock', 'Article | Price'] });
  });
});
