/**
 * From what is sent to text: HTML's structure, character references, encodings, and the time that
 * hostile input takes.
 */
import { describe, expect, it } from 'vitest';
import * as htmlparser2 from 'htmlparser2';
import { ParleyError } from '../../../src/core/errors.ts';
import { extract, LARGEST_TEXT, type Sent } from '../../../src/documents/extract.ts';
import { htmlToText as htmlToMarkdown } from '../../../src/documents/html-to-markdown.ts';
import { layOut } from '../../../src/documents/pdf-layout.ts';
import { readPdf } from '../../../src/documents/pdf-to-text.ts';
import { libraries } from '../../../src/host/node/libraries.ts';
import { makePdf } from '../../support/pdf.ts';

const read = (sent: Sent) => extract(sent, libraries);
const htmlToText = (html: string) => htmlToMarkdown(htmlparser2, html);

async function codeOf(sent: Sent): Promise<string> {
  const error: unknown = await read(sent).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof ParleyError ? error.code : String(error);
}

describe('HTML', () => {
  it.each([
    ['<h1>One</h1><h3>Three</h3>text', '# One\n\n### Three\n\ntext'],
    ['<h2>A<br>heading <i>in</i> parts</h2>', '## A heading in parts'],
    ['<p>a\n  b&nbsp;c</p><p>d<br>e</p>', 'a b c\n\nd\ne'],
    ['<ul><li>one<li>two</ul>after', '- one\n- two\n\nafter'],
    [
      '<table><tr><th>k</th><th>v</th></tr><tr><td>1</td><td>2</td></tr></table>',
      'k | v\n--- | ---\n1 | 2',
    ],
    ['<table><tr><td>AB-1<td>12<tr><td>AB-2<td>15</table>', 'AB-1 | 12\nAB-2 | 15'],
    [
      '<table><thead><tr><th>k<th>v<tbody><tr><th>1<td>2<tfoot><tr><td>3<td>4</table>x',
      'k | v\n--- | ---\n1 | 2\n3 | 4\n\nx',
    ],
    [
      '<table><tr><td><p>AB-1</p></td><td><div><p>12</p><p>each</p></div></td></tr></table>',
      'AB-1 | 12 each',
    ],
    ['<table><tr><td>AB-1<br>new<td><ul><li>12<li>13</ul></table>', 'AB-1 new | 12 13'],
    ['<table><tr><td>a</td><td></td><td>c</td><td> </td></tr></table>', 'a |  | c'],
    ['<table><tr><td>a<table><tr><td>b<td>c</table><td>d</table>e', 'a\n\nb | c\n\nd\n\ne'],
    ['<table><caption>Prices<tr><td>a<td>b</table>', 'Prices\na | b'],
    ['<tr><td>no<td>table</tr><p>after', 'no | table\n\nafter'],
    [
      `<table><tr><td><p>${'menu '.repeat(100)}</p></td><td><h1>Page</h1><p>${'text '.repeat(150)}`,
      `${'menu '.repeat(100).trim()}\n\n# Page\n\n${'text '.repeat(150).trim()}`,
    ],
    ['<p>a&hearts;b&NotEqualTilde;c&lang;&shy;</p>', 'a♥b≂̸c⟨\u00ad'],
    ['<pre>\n\n  a \n b \n\t</pre>c', '```\n\n  a \n b\n```\n\nc'],
    ['a<script></scripted></script\n x>b<style></style', 'ab'],
    ['<pre>\na\n  b\n</pre>c', '```\na\n  b\n```\n\nc'],
    ['1 < 2 && 3 > 2 <3', '1 < 2 && 3 > 2 <3'],
    ['a<script>if (a </b) "<p>"</script >b<style><p></style>c', 'abc'],
    ['a<!-- <p>x</p> --><!doctype x><?php y ?>b', 'ab'],
    ['a<svg><svg></svg><text>x</text></svg>b<template><p>y</p></template>c', 'abc'],
    ['<a title="a > b" href=\'">\'>link</a><img alt="a cat" src=x>', 'link a cat'],
    [
      '&lt;b&gt; &eacute;&Omega;&#8364;&#x20AC;&hellip;&unknown; &amp;lt; &#0;&#150;',
      '<b> éΩ€€…&unknown; &lt; \uFFFD–',
    ],
    ['text<script>never closed <p>', 'text'],
    ['text <a href="never closed', 'text'],
    ['<b>un<i>balanced</b></p></i>', 'unbalanced'],
  ])('%s', (html, text) => {
    expect(htmlToText(html).text).toBe(text);
  });

  it('has the title of its first title', () => {
    expect(htmlToText('<title> A\n&amp; B </title><svg><title>no</title></svg>').title).toBe(
      'A & B',
    );
    expect(htmlToText('<p>none').title).toBeUndefined();
  });

  it.each([
    '<a "',
    '<',
    '<!--',
    '<script>',
    '<svg>',
    '&',
    '<p ',
    '<b>',
    '</',
    "<x y='",
    '&#',
    '<h1>',
    '<![CDATA[',
    '<table>',
    '<table><tr><td>x',
    '<tr>',
    '<td>',
    '<td> | ',
    '<pre>',
    '</table>',
    '<ul><li>',
    '<b></i>',
    '<title>',
  ])('is read or refused in time however often it says %s', (piece) => {
    const html = piece.repeat(Math.floor(2_000_000 / piece.length));
    const started = performance.now();
    try {
      htmlToText(html);
    } catch (error) {
      // A row of too many cells.
      expect(error).toMatchObject({ code: 'payload_too_large' });
    }
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it.each([
    ['<pre>a', ' ', 'b'],
    ['<pre>a', '\n', 'b'],
    ['<title>', '</title ', ''],
    ['<script>', '</script/', ''],
  ])('is read in time however often it says, after %s, %j', (before, piece, after) => {
    const html = before + piece.repeat(Math.floor(200_000 / piece.length)) + after;
    const started = performance.now();
    htmlToText(html);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

describe('text', () => {
  it('is kept as it is, except for NUL, lone surrogates and line ends', async () => {
    const { text, mimeType, size } = await read({ content: '\uFEFF\uFEFFa\r\nb\0\ud800c\rd' });
    expect({ text, mimeType, size }).toEqual({
      text: 'a\nb\uFFFDc\nd',
      mimeType: 'text/plain',
      size: 17,
    });
  });

  it('takes its title from its text, else its file name, else its first line', async () => {
    const title = async (sent: Sent) => (await read(sent)).title;
    expect(await title({ content: 'x\n\n# Heading\n', fileName: 'a.md' })).toBe('Heading');
    expect(await title({ content: 'words', fileName: 'C:\\docs\\report.txt' })).toBe('report.txt');
    expect(await title({ content: '\n\n first line \nsecond' })).toBe('first line');
    expect(await title({ content: 'long '.repeat(100) })).toMatch(/^(long ){38}long…$/u);
    expect(await title({ content: '<html><title>T</title><p>x' })).toBe('T');
    expect(await title({ content: makePdf([['x']]), fileName: 'x.pdf' })).toBe('x.pdf');
  });

  it('is HTML or plain text as the media type says', async () => {
    const html = '<html><body><p>text</p></body></html>';
    expect((await read({ content: html })).text).toBe('text');
    expect((await read({ content: html, mimeType: 'text/plain' })).text).toBe(html);
    expect(
      (await read({ content: '<p>text</p>', mimeType: 'text/html; charset=utf-8' })).text,
    ).toBe('text');
    expect((await read({ content: new TextEncoder().encode(html), fileName: 'a.html' })).text).toBe(
      'text',
    );
  });

  it('is limited in length and in its kinds', async () => {
    expect(await codeOf({ content: 'x'.repeat(LARGEST_TEXT + 1) })).toBe('payload_too_large');
    expect(await codeOf({ content: '語'.repeat(LARGEST_TEXT / 2) })).toBe('payload_too_large');
    expect(await codeOf({ content: ' \n\0' })).toBe('document_unreadable');
    expect(await codeOf({ content: 'x', mimeType: 'audio/mpeg' })).toBe('unsupported_media_type');
    expect(await codeOf({ content: 'x', mimeType: 'application/pdf' })).toBe(
      'unsupported_media_type',
    );
  });
});

describe('PDF', () => {
  it('keeps lines, and paragraphs across pages', async () => {
    const { text } = await read({ content: makePdf([['one', 'two'], ['three']]) });
    expect(text).toBe('one\ntwo\n\nthree');
  });

  it('is laid out in linear time, however many spaces a line has', async () => {
    const item = (str: string, y: number) => {
      return { str, hasEOL: true, height: 10, transform: [1, 0, 0, 1, 0, y] };
    };
    const spaces = ' '.repeat(100_000);
    const items = [item(`a${spaces}b`, 100), item('c \t', 88), item('', 60), item('d', 40)];
    const started = performance.now();
    const text = layOut(items);
    expect(text).toBe(`a${spaces}b\nc\n\nd`);
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  it('has limits of pages, characters and time', async () => {
    const library = await libraries.pdf();
    const bytes = () => makePdf([['one'], ['two']]).slice();
    const limits = { pages: 10, characters: 100, milliseconds: 10_000 };
    const failing = (changed: object) =>
      expect(readPdf(library, bytes(), { ...limits, ...changed })).rejects.toMatchObject({
        code: 'payload_too_large',
      });
    await failing({ pages: 1 });
    await failing({ characters: 4 });
    await failing({ milliseconds: -1 });
    expect((await readPdf(library, bytes(), limits)).text).toBe('one\n\ntwo');
  });
});
