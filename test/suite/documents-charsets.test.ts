/**
 * Text in the charsets that files are found in, said and not said, and under the types that
 * browsers give.
 */
import { describe, expect, it } from 'vitest';
import { makePdf } from '../support/pdf.ts';
import { post, search, upload } from './documents-client.ts';
import { suiteTarget, unique } from './target.ts';

const target = suiteTarget();

async function read(
  content: Uint8Array | string,
  { name = 'file.txt', type = '' }: { name?: string; type?: string } = {},
) {
  const { status, json } = await upload({ user_id: unique('user') }, { content, name, type });
  expect({ status, json }).toMatchObject({ status: 200, json: { status: 'ready' } });
  const { text } = await target.call(`/documents/${json.document_id}/text`);
  return { text, charset: json.charset, mimeType: json.mime_type, json };
}

const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');

/** Each text as its charset has it, in hexadecimal: Node writes few of them. */
const TEXTS: [charset: string, text: string, hex: string][] = [
  [
    'windows-1251',
    'Гарантия на насос действует два года со дня покупки. Ремонт выполняется бесплатно.',
    'c3e0f0e0edf2e8ff20ede020ede0f1eef120e4e5e9f1f2e2f3e5f220e4e2e020e3eee4e020f1ee20e4ed' +
      'ff20efeeeaf3efeae82e20d0e5eceeedf220e2fbefeeebedffe5f2f1ff20e1e5f1efebe0f2edee2e',
  ],
  [
    'koi8-r',
    'Гарантия на насос действует два года со дня покупки. Ремонт выполняется бесплатно.',
    'e7c1d2c1ced4c9d120cec120cec1d3cfd320c4c5cad3d4d7d5c5d420c4d7c120c7cfc4c120d3cf20c4ce' +
      'd120d0cfcbd5d0cbc92e20f2c5cdcfced420d7d9d0cfccced1c5d4d3d120c2c5d3d0ccc1d4cecf2e',
  ],
  [
    'ibm866',
    'Гарантия на насос действует два года со дня покупки. Ремонт выполняется бесплатно.',
    '83a0e0a0ade2a8ef20ada020ada0e1aee120a4a5a9e1e2a2e3a5e220a4a2a020a3aea4a020e1ae20a4ad' +
      'ef20afaeaae3afaaa82e2090a5acaeade220a2ebafaeabadefa5e2e1ef20a1a5e1afaba0e2adae2e',
  ],
  [
    'iso-8859-5',
    'Гарантия на насос действует два года со дня покупки. Ремонт выполняется бесплатно.',
    'b3d0e0d0dde2d8ef20ddd020ddd0e1dee120d4d5d9e1e2d2e3d5e220d4d2d020d3ded4d020e1de20d4dd' +
      'ef20dfdedae3dfdad82e20c0d5dcdedde220d2ebdfdedbddefd5e2e1ef20d1d5e1dfdbd0e2ddde2e',
  ],
  [
    'windows-1251',
    'Гарантія на насос діє два роки з дня купівлі. Ремонт виконується безкоштовно.',
    'c3e0f0e0edf2b3ff20ede020ede0f1eef120e4b3ba20e4e2e020f0eeeae820e720e4edff20eaf3efb3e2' +
      'ebb32e20d0e5eceeedf220e2e8eaeeedf3baf2fcf1ff20e1e5e7eaeef8f2eee2edee2e',
  ],
  [
    'shift_jis',
    'ポンプの保証期間は購入日から二年間です。修理は無料で行います。',
    '837c8393837682cc95db8fd88afa8ad482cd8d7793fc93fa82a982e793f1944e8ad482c582b781428f43' +
      '979d82cd96b397bf82c58d7382a282dc82b78142',
  ],
  [
    'euc-jp',
    'ポンプの保証期間は購入日から二年間です。修理は無料で行います。',
    'a5dda5f3a5d7a4cecaddbedab4fcb4d6a4cfb9d8c6fec6fca4aba4e9c6f3c7afb4d6a4c7a4b9a1a3bda4' +
      'cdfda4cfccb5cec1a4c7b9d4a4a4a4dea4b9a1a3',
  ],
  [
    'iso-2022-jp',
    'ポンプの保証期間は購入日から二年間です。修理は無料で行います。',
    '1b2442255d25732557244e4a5d3e5a347c3456244f3958467e467c242b24694673472f34562447243921' +
      '233d244d7d244f4c354e41244739542424245e243921231b2842',
  ],
  [
    'gb18030',
    '水泵的保修期为自购买之日起两年。维修是免费的，请保留发票。',
    'cbaeb1c3b5c4b1a3d0dec6daceaad7d4b9bac2f2d6aec8d5c6f0c1bdc4eaa1a3ceacd0decac7c3e2b7d1' +
      'b5c4a3acc7ebb1a3c1f4b7a2c6b1a1a3',
  ],
  [
    'big5',
    '水泵的保固期為自購買之日起兩年。維修是免費的，請保留發票。',
    'a4f4aca6aabaab4fa954b4c1acb0a6dbc1cab652a4a7a4e9b05fa8e2a67ea143bafbadd7ac4fa74bb64f' +
      'aabaa141bdd0ab4faf64b56fb2bca143',
  ],
  [
    'euc-kr',
    '펌프의 보증 기간은 구입일로부터 이 년입니다. 수리는 무료로 해 드립니다.',
    'c6dfc7c1c0c720bab8c1f520b1e2b0a3c0ba20b1b8c0d4c0cfb7cebacec5cd20c0cc20b3e2c0d4b4cfb4' +
      'd92e20bcf6b8aeb4c220b9abb7e1b7ce20c7d820b5e5b8b3b4cfb4d92e',
  ],
  [
    'windows-1253',
    'Η εγγύηση της αντλίας ισχύει για δύο χρόνια από την ημέρα αγοράς.',
    'c720e5e3e3fde7f3e720f4e7f220e1edf4ebdfe1f220e9f3f7fde5e920e3e9e120e4fdef20f7f1fcede9' +
      'e120e1f0fc20f4e7ed20e7ecddf1e120e1e3eff1dcf22e',
  ],
  [
    'windows-1255',
    'האחריות על המשאבה תקפה לשנתיים מיום הקנייה. התיקון ניתן בחינם.',
    'e4e0e7f8e9e5fa20f2ec20e4eef9e0e1e420faf7f4e420ecf9f0fae9e9ed20eee9e5ed20e4f7f0e9e9e4' +
      '2e20e4fae9f7e5ef20f0e9faef20e1e7e9f0ed2e',
  ],
  [
    'windows-1256',
    'ضمان المضخة صالح لمدة سنتين من تاريخ الشراء. الإصلاح مجاني.',
    'd6e3c7e420c7e1e3d6cec920d5c7e1cd20e1e3cfc920d3e4caede420e3e420cac7d1edce20c7e1d4d1c7' +
      'c12e20c7e1c5d5e1c7cd20e3ccc7e4ed2e',
  ],
  [
    'windows-874',
    'การรับประกันปั๊มมีผลเป็นเวลาสองปีนับจากวันที่ซื้อ การซ่อมไม่มีค่าใช้จ่าย',
    'a1d2c3c3d1babbc3d0a1d1b9bbd1eac1c1d5bcc5e0bbe7b9e0c7c5d2cacda7bbd5b9d1baa8d2a1c7d1b9' +
      'b7d5e8abd7e9cd20a1d2c3abe8cdc1e4c1e8c1d5a4e8d2e3aae9a8e8d2c2',
  ],
  [
    'windows-1250',
    'Záruka na čerpadlo platí dva roky ode dne nákupu. Příliš žluťoučký kůň úpěl.',
    '5ae172756b61206e6120e865727061646c6f20706c6174ed2064766120726f6b79206f646520646e6520' +
      '6ee16b7570752e2050f8ed6c699a209e6c759d6f75e86bfd206bf9f220fa70ec6c2e',
  ],
  [
    'iso-8859-2',
    'Záruka na čerpadlo platí dva roky ode dne nákupu. Příliš žluťoučký kůň úpěl.',
    '5ae172756b61206e6120e865727061646c6f20706c6174ed2064766120726f6b79206f646520646e6520' +
      '6ee16b7570752e2050f8ed6c69b920be6c75bb6f75e86bfd206bf9f220fa70ec6c2e',
  ],
  [
    'windows-1250',
    'Gwarancja na pompę jest ważna dwa lata od dnia zakupu. Zażółć gęślą jaźń, łódź.',
    '47776172616e636a61206e6120706f6d70ea206a657374207761bf6e6120647761206c617461206f6420' +
      '646e6961207a616b7570752e205a61bff3b3e62067ea9c6cb9206a619ff12c20b3f3649f2e',
  ],
  [
    'iso-8859-2',
    'Gwarancja na pompę jest ważna dwa lata od dnia zakupu. Zażółć gęślą jaźń, łódź.',
    '47776172616e636a61206e6120706f6d70ea206a657374207761bf6e6120647761206c617461206f6420' +
      '646e6961207a616b7570752e205a61bff3b3e62067eab66cb1206a61bcf12c20b3f364bc2e',
  ],
  [
    'windows-1250',
    'A szivattyúra két év garancia van a vásárlás napjától. Őrült nő, fűtés.',
    '4120737a697661747479fa7261206be97420e97620676172616e6369612076616e20612076e173e1726c' +
      'e173206e61706ae174f36c2e20d572fc6c74206ef52c2066fb74e9732e',
  ],
  [
    'windows-1254',
    'Pompanın garantisi satın alma gününden itibaren iki yıl geçerlidir. Değiştirme ücretsizdir.',
    '506f6d70616efd6e20676172616e7469736920736174fd6e20616c6d612067fc6efc6e64656e20697469' +
      '626172656e20696b692079fd6c206765e765726c696469722e204465f069fe7469726d6520fc63726574' +
      '73697a6469722e',
  ],
  [
    'windows-1252',
    'Größe und Gewährleistung der Pumpe: zwei Jahre ab Kauf. Für Übergrößen gilt dies nicht.',
    '4772f6df6520756e6420476577e468726c65697374756e67206465722050756d70653a207a776569204a' +
      '61687265206162204b6175662e2046fc7220dc6265726772f6df656e2067696c742064696573206e6963' +
      '68742e',
  ],
  [
    'windows-1252',
    'La garantie de la pompe est valable deux ans à compter du jour d’achat. Été, déjà vérifié.',
    '4c6120676172616e746965206465206c6120706f6d7065206573742076616c61626c6520646575782061' +
      '6e7320e020636f6d70746572206475206a6f757220649261636861742e20c974e92c2064e96ae02076e9' +
      '72696669e92e',
  ],
  [
    'windows-1252',
    'Ábyrgð á dælunni gildir í tvö ár frá kaupdegi. Það er þannig.',
    'c162797267f020e12064e66c756e6e692067696c64697220ed207476f620e172206672e1206b61757064' +
      '6567692e20de61f020657220fe616e6e69672e',
  ],
  ['shift_jis', '保証期間', '95db8fd88afa8ad4'],
  ['gb18030', '东京大学', 'b6abbea9b4f3d1a7'],
  ['windows-1252', 'Résumé', '52e973756de9'],
  ['windows-1252', 'naïve café', '6e61ef766520636166e9'],
  ['windows-1252', 'ÄÖÜ äöü ß', 'c4d6dc20e4f6fc20df'],
  ['windows-1252', 'Preis: 5 € – «gut»', '50726569733a20352080209620ab677574bb'],
  ['windows-1251', 'Москва', 'cceef1eae2e0'],
  [
    'windows-1251',
    'Цена: 500 руб. (Article AB-12)',
    'd6e5ede03a2035303020f0f3e12e202841727469636c652041422d313229',
  ],
  [
    'shift_jis',
    '製品名：ポンプ AB-12 価格：1,200円',
    '90bb956996bc8146837c839383762041422d31322089bf8a698146312c323030897e',
  ],
  ['euc-kr', '보증', 'bab8c1f5'],
  [
    'big5',
    '產品名稱：水泵 AB-12，價格一千二百元',
    'b2a3ab7ea657bad9a147a4f4aca62041422d3132a141bbf9aee6a440a464a447a6caa4b8',
  ],
  [
    'gb18030',
    '产品名称：水泵 AB-12，价格一千二百元',
    'b2fac6b7c3fbb3c6a3bacbaeb1c32041422d3132a3acbcdbb8f1d2bbc7a7b6feb0d9d4aa',
  ],
];

describe('a text of which nothing is said', () => {
  it.each(TEXTS)('is read as %s: %s', async (charset, text, hex) => {
    expect(await read(bytes(hex))).toMatchObject({ text, charset });
  });

  it.each([
    ['utf-16le', 'Ärger mit der Pumpe\n'],
    ['utf-16le', 'Гарантия на насос'],
    ['utf-16be', 'The pump is blue.'],
  ])('is read as %s without a mark: %s', async (charset, text) => {
    const content = Buffer.from(text, 'utf16le');
    if (charset === 'utf-16be') content.swap16();
    expect(await read(content)).toMatchObject({ text: text.trim() && text, charset });
  });
});

describe('UTF-8 with wrong bytes', () => {
  const text = 'Größe und Gewährleistung der Pumpe.';
  it.each([
    ['one in the middle', Buffer.concat([Buffer.from(text), bytes('ff'), Buffer.from(' weiter')])],
    ['one at the start', Buffer.concat([bytes('fe'), Buffer.from(text)])],
    ['a character cut at the end', Buffer.concat([Buffer.from(text), bytes('e2 82')])],
    [
      'a word in windows-1252',
      Buffer.concat([Buffer.from(text), Buffer.from(' Caf\xe9', 'latin1')]),
    ],
    ['half a surrogate pair', Buffer.concat([Buffer.from(text), bytes('ed a0 80')])],
  ])('stays UTF-8: %s', async (_, content) => {
    const user_id = unique('user');
    const { json } = await upload({ user_id }, { content, name: 'a.txt', type: 'text/plain' });
    expect(json.charset).toBe('utf-8');
    const found = await search({ user_id, query: 'Gewährleistung', mode: 'keyword' });
    expect(found[0]?.text).toContain('Größe');
    expect(found[0]?.text).toContain('\ufffd');
  });

  it('is said to be UTF-8 and is another charset', async () => {
    const content = Buffer.from('Gr\xf6\xdfe und Gew\xe4hrleistung', 'latin1');
    const said = await read(content, { type: 'text/plain; charset=utf-8' });
    expect(said).toMatchObject({ text: 'Größe und Gewährleistung', charset: 'windows-1252' });
  });
});

describe('the charset of a document', () => {
  it('is what is said, in the type, the page or the XML', async () => {
    const content = bytes('c3 e0 f0 e0 ed f2 e8 ff');
    const text = 'Гарантия';
    const said = await read(content, { type: 'text/plain; charset="cp1251"' });
    expect(said).toMatchObject({ text, charset: 'windows-1251' });
    const page = Buffer.concat([Buffer.from('<meta charset=windows-1251><p>'), content]);
    const html = await read(page, { name: 'a.html', type: 'text/html' });
    expect(html).toMatchObject({ text, charset: 'windows-1251' });
    const xml = Buffer.concat([
      Buffer.from('<?xml version="1.0" encoding="windows-1251"?>'),
      content,
    ]);
    expect((await read(xml, { name: 'a.xml', type: 'text/xml' })).text).toContain(text);
  });

  it('is told again by every answer, and null where none was read', async () => {
    const { json } = await read(bytes('82 b1 82 f1 82 c9 82 bf 82 cd'));
    expect(json.charset).toBe('shift_jis');
    const path = `/documents/${json.document_id}`;
    expect((await target.call(path)).json).toMatchObject({ charset: 'shift_jis' });
    const user_id = unique('user');
    expect((await post({ user_id, text: 'words' })).json.charset).toBeNull();
    const pdf = await upload({ user_id }, { content: makePdf([['words']]) });
    expect(pdf.json.charset).toBeNull();
  });
});

describe('bytes that are text', () => {
  it.each([
    ['prices.csv', 'application/vnd.ms-excel', 'part,price\nAB-1,12\n', 'text/csv'],
    ['prices.csv', 'application/csv', 'part,price\nAB-1,12\n', 'text/csv'],
    ['main.ts', 'video/mp2t', 'export const answer = 42;\n', 'text/plain'],
    ['values.yaml', 'application/x-yaml', 'pump: blue\n', 'text/plain'],
    ['dump.sql', 'application/sql', 'SELECT pump FROM parts;\n', 'text/plain'],
    ['run.sh', 'application/x-sh', 'echo pump\n', 'text/plain'],
    ['app.js', 'application/javascript', 'const pump = 1;\n', 'text/plain'],
    ['notes.pages', 'application/vnd.apple.pages', 'The pump is blue.\n', 'text/plain'],
    ['log.1', 'application/x-troff-man', 'The pump is blue.\n', 'text/plain'],
    ['page.htm', 'application/x-unknown', '<p>The pump is blue.', 'text/html'],
    ['letter', 'image/png', 'The pump is blue.\n', 'text/plain'],
    ['data.json', 'application/json', '{"pump": "blue"}\n', 'application/json'],
  ])('are taken as such: %s as %s', async (name, type, content, mimeType) => {
    expect((await read(content, { name, type })).mimeType).toBe(mimeType);
  });

  it.each([
    ['an image', 'photo.csv', 'text/csv', Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')],
    ['sound', 'a.txt', 'audio/mpeg', Buffer.from(Array.from({ length: 600 }, (_, at) => at % 31))],
    ['a database', 'a.db', '', Buffer.from('SQLite format 3\0')],
  ])('are not %s', async (_, name, type, content) => {
    const answer = await upload({ user_id: unique('user') }, { content, name, type });
    expect(answer).toMatchObject({ status: 415, json: { code: 'unsupported_media_type' } });
  });
});
