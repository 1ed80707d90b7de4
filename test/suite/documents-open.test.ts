/** OpenDocument files and Rich Text Format: what is read of them, and what they are found by. */
import { describe, expect, it } from 'vitest';
import { archive } from '../support/office.ts';
import { openCell, openDocument, openRow } from '../support/open-document.ts';
import { readDocument as read, upload } from './documents-client.ts';
import { unique } from './target.ts';

const frame = (text: string, kind: string) =>
  `<draw:frame presentation:class="${kind}"><draw:text-box><text:p>${text}</text:p></draw:text-box></draw:frame>`;

describe('an OpenDocument text', () => {
  it('keeps headings, lists, tables, notes, comments and what stands on each page', async () => {
    const content = openDocument(
      'text',
      [
        '<text:tracked-changes><text:deletion><text:p>deleted</text:p></text:deletion></text:tracked-changes>',
        '<text:p text:style-name="P1">Manual</text:p>',
        '<text:h text:outline-level="2">Care<text:line-break/>and use</text:h>',
        '<text:p>The<text:s/>pump &amp; its<text:tab/>valve.<text:note><text:note-citation>1</text:note-citation>',
        '<text:note-body><text:p>Only in summer.</text:p></text:note-body></text:note> <text:ruby><text:ruby-base>保証</text:ruby-base><text:ruby-text>ほしょう</text:ruby-text></text:ruby></text:p>',
        '<text:list><text:list-item><text:p>oil</text:p></text:list-item><text:list-item><text:p>water</text:p></text:list-item></text:list>',
        `<table:table><table:table-header-rows>${openRow([openCell('Part'), openCell('Price')])}</table:table-header-rows>${openRow([openCell('AB-1'), openCell('12')])}</table:table>`,
        '<text:p><office:annotation><dc:creator>Ann</dc:creator><dc:date>2024</dc:date><text:p>Is that so?</text:p></office:annotation>Told.</text:p>',
        '<text:p><draw:frame><draw:text-box><text:p>in a box</text:p></draw:text-box><svg:desc>a picture</svg:desc></draw:frame>around it</text:p>',
      ].join(''),
      {
        title: 'Pump manual',
        styles: '<style:style style:name="P1" style:parent-style-name="Title"/>',
        master:
          '<style:master-page><style:header><text:p>ACME Pumps</text:p></style:header><style:footer><text:p>Page <text:page-number>1</text:page-number></text:p></style:footer></style:master-page>',
      },
    );
    for (const [name, type] of [
      ['manual.odt', ''],
      ['manual', 'application/vnd.oasis.opendocument.text'],
      ['a.bin', ''],
    ] as const) {
      const { text, json, find } = await read(content, name, type);
      expect(text).toBe(
        '# Manual\n\n## Care and use\n\nThe pump & its valve. 保証\n\n- oil\n- water\n\n' +
          'Part | Price\n--- | ---\nAB-1 | 12\n\nTold.\n\nin a box\n\naround it\n\n' +
          'Only in summer.\n\nIs that so?\n\nACME Pumps\n\nPage 1',
      );
      expect(json.title).toBe('Pump manual');
      expect(json.mime_type).toBe('application/vnd.oasis.opendocument.text');
      expect((await find('AB-1'))[0]!.text).toContain('AB-1 | 12');
    }
  });
});

describe('an OpenDocument presentation', () => {
  it('has its slides under their titles, with notes and tables', async () => {
    const notes = frame('Speak slowly.', 'notes') + frame('7', 'page-number');
    const content = openDocument(
      'presentation',
      [
        `<draw:page>${frame('blue', 'outline')}${frame('Pumps', 'title')}<presentation:notes>${notes}</presentation:notes></draw:page>`,
        `<draw:page><draw:custom-shape><text:p>No title here</text:p></draw:custom-shape>${frame('2024', 'date-time')}</draw:page>`,
        `<draw:page><draw:frame><table:table>${openRow([openCell('Year'), openCell('Sold')])}${openRow([openCell('2024'), openCell('17')])}</table:table></draw:frame></draw:page>`,
      ].join(''),
    );
    const { text, json } = await read(content, 'talk.odp');
    expect(text).toBe(
      '# Pumps\n\nblue\n\nSpeak slowly.\n\n# Slide 2\n\nNo title here\n\n# Slide 3\n\nYear | Sold\n2024 | 17',
    );
    expect(json.mime_type).toBe('application/vnd.oasis.opendocument.presentation');
  });
});

describe('an OpenDocument spreadsheet', () => {
  const string = 'office:value-type="string"';

  it('has a table for each sheet that is not hidden, its values as people see them', async () => {
    const sheet = (name: string, rows: string, style = 'ta1') =>
      `<table:table table:name="${name}" table:style-name="${style}">${rows}</table:table>`;
    const content = openDocument(
      'spreadsheet',
      sheet(
        'Prices',
        openRow([openCell('Part', string), openCell('Price', string), openCell('From', string)]) +
          openRow([
            openCell('AB-1', string),
            openCell('12.50 €', 'office:value-type="currency" office:value="12.5"'),
            openCell('02.01.24', 'office:value-type="date" office:date-value="2024-01-02"'),
          ]) +
          openRow([
            openCell('x', `${string} table:number-columns-repeated="2"`),
            `<table:table-cell><office:annotation><text:p>Check this</text:p></office:annotation><text:p>y</text:p></table:table-cell>`,
            '<table:table-cell table:number-columns-repeated="16000"/>',
          ]) +
          openRow(['<table:table-cell/>'], 'table:number-rows-repeated="1000000"') +
          openRow([openCell('last', string)], 'table:number-rows-repeated="2"'),
      ) +
        sheet('Secret', openRow([openCell('hidden')]), 'ta2') +
        sheet('Größe &amp; Maß', openRow([openCell('7')])),
      {
        styles:
          '<style:style style:name="ta1"><style:table-properties table:display="true"/></style:style>' +
          '<style:style style:name="ta2"><style:table-properties table:display="false"/></style:style>',
      },
    );
    const { text, json } = await read(content, 'prices.ods');
    expect(text).toBe(
      '# Prices\n\nPart | Price | From\n--- | --- | ---\nAB-1 | 12.50 € | 2024-01-02\nx | x | y\nlast\nlast\n\n' +
        'Check this\n\n# Größe & Maß\n\n7',
    );
    expect(json.mime_type).toBe('application/vnd.oasis.opendocument.spreadsheet');
  });
});

describe('a document in Rich Text Format', () => {
  it('keeps headings, lists, tables, notes and the letters of any charset', async () => {
    const content = [
      '{\\rtf1\\ansi\\ansicpg1252\\deff0{\\fonttbl{\\f0 Times;}{\\f1\\fcharset128 Mincho;}{\\f2\\fcharset204 Arial;}}',
      '{\\stylesheet{\\s0 Normal;}{\\s1\\outlinelevel0 \\u220?berschrift;}{\\s2 heading 2;}{\\*\\cs3 Bold;}}',
      '{\\info{\\title Pump manual}{\\author Ann}}{\\*\\generator X 1.0;}',
      '{\\header ACME Pumps\\par}',
      '\\pard\\s1 Manual\\par\\pard\\s2 Care\\par',
      "\\pard Gr\\u246\\'f6\\u223?e {\\b \\'e4u\\'dfer}st: {\\f1\\'95\\'db\\'8fA} {\\f2\\'cf\\'f0} \\ldblquote a\\rdblquote\\~b\\_c\\-d\\tab\\u-10179?\\u-8704?\n.{\\*\\footnote Only in summer.}\\par",
      '\\pard\\ls1{\\listtext\\bullet\\tab}oil\\par{\\listtext\\bullet\\tab}water\\par',
      '\\trowd\\trhdr\\cellx1000\\cellx2000\\pard\\intbl Part\\cell Price\\cell\\row',
      '\\trowd\\cellx1000\\cellx2000\\pard\\intbl AB-1\\cell 12\\cell\\row\\pard',
      '{\\field{\\*\\fldinst HYPERLINK "https://example.com"}{\\fldrslt link}} {\\deleted gone}{\\pict\\pngblip 89504e47}{\\pict\\bin4 }}{}x}\\line next\\par',
      '{\\shp{\\*\\shpinst{\\sp{\\sn shapeType}{\\sv 202}}{\\shptxt in a box\\par}}{\\shprslt in a box}}',
      '{\\upr{old}{\\*\\ud new}}}',
    ].join('\n');
    for (const [name, type] of [
      ['manual.rtf', 'application/rtf'],
      ['manual.doc', 'application/msword'],
      ['manual', 'text/rtf'],
    ] as const) {
      const { text, json, find } = await read(Buffer.from(content, 'latin1'), name, type);
      expect(text).toBe(
        '# Manual\n\n## Care\n\nGröße äußerst: 保就 Пр “a” b-cd 😀.\n\n- oil\n- water\n\n' +
          'Part | Price\n--- | ---\nAB-1 | 12\n\nlink\nnext\n\nin a box\n\nnew\n\nACME Pumps\n\nOnly in summer.',
      );
      expect(json).toMatchObject({ title: 'Pump manual', mime_type: 'application/rtf' });
      expect(await find('äußerst')).toHaveLength(1);
    }
  });
});

describe('an OpenDocument file or one in Rich Text Format that cannot be read', () => {
  const long = openRow([openCell('x'.repeat(1_000))], 'table:number-rows-repeated="1000000"');
  const wide = openRow([openCell('x'.repeat(100_000), 'table:number-columns-repeated="16384"')]);
  const locked = {
    'META-INF/manifest.xml': '<m:m><m:file-entry><m:encryption-data/></m:file-entry></m:m>',
  };
  it.each<[string, string, () => Uint8Array | string, number]>([
    [
      'a million rows',
      'a.ods',
      () => openDocument('spreadsheet', `<table:table>${long}</table:table>`),
      413,
    ],
    [
      'many columns',
      'a.ods',
      () => openDocument('spreadsheet', `<table:table>${wide}</table:table>`),
      413,
    ],
    [
      'a password',
      'a.odt',
      () => openDocument('text', '<text:p>x</text:p>', { more: locked }),
      400,
    ],
    ['no content', 'a.odt', () => archive({ 'content.xml': '' }), 400],
    ['no text', 'a.odt', () => openDocument('text', '<text:p/>'), 400],
    [
      'a document type',
      'a.odt',
      () =>
        openDocument('text', '', { more: { 'content.xml': '<!DOCTYPE x [<!ENTITY a "b">]><x/>' } }),
      400,
    ],
    [
      'a drawing',
      'a.odg',
      () =>
        archive({ mimetype: 'application/vnd.oasis.opendocument.graphics', 'content.xml': '<x/>' }),
      415,
    ],
    ['groups without end', 'a.rtf', () => `{\\rtf1 ${'{'.repeat(1_000_000)}`, 400],
    ['a picture alone', 'a.rtf', () => `{\\rtf1 {\\pict ${'00'.repeat(4_000_000)}}}`, 400],
    ['another format', 'a.rtf', () => 'This is no RTF.', 400],
  ])('is refused: %s', async (_, name, make, status) => {
    const answer = await upload({ user_id: unique('user') }, { content: make(), name });
    expect(answer.status).toBe(status);
  });
});
