/** Mails and books: what is read of them. */
import { describe, expect, it } from 'vitest';
import { epub } from '../support/office.ts';
import { readDocument as read } from './documents-client.ts';

describe('a book', () => {
  it('is read chapter by chapter', async () => {
    const content = epub([
      '<h1>One</h1><p>The pump.</p>',
      '<h1>Two</h1><p>The valve.<br/>Blue.</p>',
    ]);
    const { text, json } = await read(content, 'book.epub', 'application/epub+zip');
    expect(text).toBe('# One\n\nThe pump.\n\n# Two\n\nThe valve.\nBlue.');
    expect(json).toMatchObject({ title: 'The Pump Book', mime_type: 'application/epub+zip' });
  });

  it.each([
    ['in an odd order', '<spine><itemref idref="b"/><itemref idref="a"/></spine>', 'Two.\n\nOne.'],
    ['in no order', '', 'One.\n\nTwo.'],
  ])('a book of an old kind is read %s', async (_, spine, expected) => {
    const item = (id: string) =>
      `<item id="${id}" href="${id}.html" media-type="text/x-oeb1-document"/>`;
    const content = epub([], {
      'META-INF/container.xml':
        '<container><rootfile full-path="x.pdf" media-type="application/pdf"/><rootfile full-path="book.opf" media-type="application/oebps-package+xml"/></container>',
      'book.opf': `<?xml version="1.0"?><!DOCTYPE package PUBLIC "+//ISBN 0-9673008-1-9//DTD OEB 1.2 Package//EN" "http://example.com/oeb.dtd"><package>${spine}<manifest>${item('a')}${item('b')}</manifest></package>`,
      'a.html': '<p>One.</p>',
      'b.html': '<p>Two.</p>',
    });
    expect((await read(content, 'old.epub')).text).toBe(expected);
  });
});

describe('a mail', () => {
  const head =
    'Received: by mx.example.com\r\nMessage-ID: <1@example.com>\r\nMIME-Version: 1.0\r\nDate: Mon, 05 Feb 2024 10:00:00 +0100\r\n' +
    'From: =?utf-8?q?J=C3=B6rg?= <joerg@example.com>\r\nTo: ann@example.com, bob@example.com\r\nSubject: =?utf-8?B?R2V3w6Rocg==?=\r\n';

  it('has its subject for a title, and says who wrote to whom', async () => {
    const content = `${head}Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nDie Gr=F6=\r\n=DFe der Pumpe.\r\n`;
    for (const [name, type] of [
      ['mail.eml', ''],
      ['mail.eml', 'message/rfc822'],
      ['1', ''],
    ] as const) {
      const { text, json } = await read(content, name, type);
      expect(text).toBe(
        '# Gewähr\n\nFrom: Jörg <joerg@example.com>\nTo: ann@example.com, bob@example.com\nDate: 2024-02-05T09:00:00.000Z\n\nDie Größe der Pumpe.',
      );
      expect(json).toMatchObject({ title: 'Gewähr', mime_type: 'message/rfc822' });
    }
  });

  it('a mail that says nothing of its charset is read in the one it is in', async () => {
    for (const charset of ['latin1', 'utf8'] as const) {
      const content = Buffer.from(`${head}\r\nDie Größe der Pumpe.\r\n`, charset);
      expect((await read(content, 'mail.eml')).text).toContain('Die Größe der Pumpe.');
    }
  });

  it('out of a box of mails is one', async () => {
    const { text } = await read(
      `From ann@example.com Mon Jan  1 00:00:00 2024\r\n${head}\r\nHi.`,
      '7',
    );
    expect(text).toMatch(/^# Gewähr\n[^]*\n\nHi\.$/);
  });

  it('has the mail that was forwarded in it', async () => {
    const content =
      `${head}Content-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\nContent-Type: text/plain; charset=iso-2022-jp\r\n\r\n` +
      '\x1b$BJ]>Z4|4V\x1b(B\r\n--B\r\nContent-Type: message/rfc822\r\n\r\nFrom: carl@example.com\r\n' +
      'Subject: Offer\r\nContent-Type: text/plain\r\n\r\nThe price is 12.\r\n--B--\r\n';
    const { text } = await read(content, 'mail.eml');
    for (const words of ['保証期間', 'carl@example.com', 'Offer', 'The price is 12.'])
      expect(text).toContain(words);
  });

  it('is read of its parts: HTML where there is no text, attachments by their names', async () => {
    const content =
      `${head}Content-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\nContent-Type: text/html\r\n\r\n` +
      '<table><tr><td>AB-1<td>12</table>\r\n--B\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=offer.pdf\r\n' +
      'Content-Transfer-Encoding: base64\r\n\r\nJVBERi0=\r\n--B--\r\n';
    const { text } = await read(content, 'mail.eml');
    expect(text).toContain('\n\nAB-1 | 12\n');
    expect(text).toContain('Attachments: offer.pdf');
  });
});
