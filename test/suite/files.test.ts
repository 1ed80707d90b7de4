/** Files: sending, reading back, listing, deleting, and what is refused. */
import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { makePdf } from '../support/pdf.ts';
import { FORM_TYPE, formOf, png, send, sent, wav, type FileJson } from './files-client.ts';
import { aProblem, aTime, anId } from './shapes.ts';
import { suiteTarget, unique } from './target.ts';

const target = suiteTarget();
const MIB = 1024 * 1024;

function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function read(id: string, headers: Record<string, string> = {}) {
  return target.call(`/files/${id}`, { headers, timeoutMs: 60_000 });
}

describe.concurrent('a file', () => {
  it('is told by its hash, and comes back byte for byte', async () => {
    const content = png();
    const user_id = unique('user');
    const { status, json, headers } = await send({ content, name: 'valve.png' }, { user_id });
    expect(status).toBe(200);
    expect(json).toMatchObject({
      file_id: anId,
      user_id,
      name: 'valve.png',
      mime_type: 'image/png',
      size: content.length,
      sha256: sha256(content),
      created_at: aTime,
    });
    expect(headers['location']).toBe(`/files/${json.file_id}`);
    const back = await read(json.file_id);
    expect(back.bytes.equals(content)).toBe(true);
  });

  it('a file of ten megabytes comes back byte for byte, whole and in ranges', async () => {
    const content = Buffer.concat([png(), randomBytes(10 * MIB - 100)]);
    const { json } = await send({ content });
    expect(json).toMatchObject({ size: content.length, sha256: sha256(content) });
    const whole = await read(json.file_id);
    expect(sha256(whole.bytes)).toBe(json.sha256);
    for (const [start, end] of [
      [0, 0],
      [262_143, 262_144],
      [524_200, 1_100_000],
      [content.length - 7, content.length - 1],
    ] as const) {
      const part = await read(json.file_id, { range: `bytes=${start}-${end}` });
      expect(part.status).toBe(206);
      expect(part.headers['content-range']).toBe(`bytes ${start}-${end}/${content.length}`);
      expect(part.bytes.equals(content.subarray(start, end + 1))).toBe(true);
    }
    const last = await read(json.file_id, { range: 'bytes=-5' });
    expect(last.bytes.equals(content.subarray(-5))).toBe(true);
    const beyond = await read(json.file_id, { range: `bytes=${content.length}-` });
    expect(beyond.status).toBe(416);
    expect(beyond.headers['content-range']).toBe(`bytes */${content.length}`);
  });

  it('a file that the client has is not sent again', async () => {
    const { json } = await send({ content: png() });
    const first = await read(json.file_id);
    const again = await read(json.file_id, { 'if-none-match': String(first.headers['etag']) });
    expect([again.status, again.bytes.length]).toEqual([304, 0]);
    expect((await read(json.file_id, { 'if-none-match': '"other"' })).status).toBe(200);
  });

  it('may come chunked, its user after it, in the smallest pieces', async () => {
    const content = `\r\n--a-boundary-of-the-test\r\n${'x'.repeat(500)}\r\n-`;
    const user_id = unique('user');
    const form = formOf({ content, name: 'odd.txt' }, { after: { user_id } });
    const rawBody = Array.from(form, (byte) => Uint8Array.of(byte));
    const { status, json, text } = await target.call<FileJson>('/files', {
      rawBody,
      headers: { 'content-type': FORM_TYPE },
    });
    expect(status, text).toBe(200);
    expect((await read(json.file_id)).text).toBe(content);
  });

  it('is listed for its user, newest first, page by page, and no more once it is deleted', async () => {
    const user_id = unique('user');
    const ids: string[] = [];
    for (const name of ['a', 'b', 'c'])
      ids.unshift((await sent({ content: name, name }, user_id)).file_id);
    const list = (query = '') => target.call<FileJson[]>(`/files?user_id=${user_id}${query}`);
    expect((await list()).json.map((file) => file.file_id)).toEqual(ids);
    const page = await list('&limit=2');
    expect(page.json.map((file) => file.file_id)).toEqual(ids.slice(0, 2));
    const [, next = ''] = /<([^>]+)>; rel="next"/u.exec(String(page.headers['link'])) ?? [];
    const rest = await target.call<FileJson[]>(next);
    expect(rest.json.map((file) => file.file_id)).toEqual(ids.slice(2));
    const gone = await target.call(`/files/${ids[1]}`, { method: 'DELETE' });
    expect(gone.json).toEqual({ detail: `File ${ids[1]} deleted successfully` });
    expect((await list()).json.map((file) => file.file_id)).toEqual([ids[0], ids[2]]);
    for (const method of ['GET', 'DELETE'])
      expect((await target.call(`/files/${ids[1]}`, { method })).json).toMatchObject(
        aProblem(404, 'not_found'),
      );
  });

  it('shares its bytes with others of its user, until the last of them is deleted', async () => {
    const content = Buffer.concat([png(), randomBytes(MIB)]);
    const user_id = unique('user');
    const one = await sent({ content, name: 'one.png' }, user_id);
    const two = await sent({ content, name: 'two.png' }, user_id);
    const theirs = await sent({ content, name: 'theirs.png' }, unique('other'));
    expect(new Set([one, two, theirs].map((file) => file.file_id)).size).toBe(3);
    await target.call(`/files/${one.file_id}`, { method: 'DELETE' });
    expect(sha256((await read(two.file_id)).bytes)).toBe(two.sha256);
    await target.call(`/files/${two.file_id}`, { method: 'DELETE' });
    expect(sha256((await read(theirs.file_id)).bytes)).toBe(theirs.sha256);
  });

  it('is sent once under an idempotency key', async () => {
    const user_id = unique('user');
    const headers = { 'idempotency-key': 'once' };
    const file = { content: png(), name: 'a.png' };
    const first = await send(file, { user_id, headers });
    const again = await send(file, { user_id, headers });
    expect(again.json.file_id).toBe(first.json.file_id);
    const other = await send({ content: png() }, { user_id, headers });
    expect(other.json).toMatchObject(aProblem(409, 'idempotency_key_reused'));
    const list = await target.call<FileJson[]>(`/files?user_id=${user_id}`);
    expect(list.json).toHaveLength(1);
  });
});

describe.concurrent('what a file is', () => {
  it.each<[string, Uint8Array | string, { name?: string; type?: string }, string]>([
    ['a picture named as a text', png(), { name: 'a.txt', type: 'text/plain' }, 'image/png'],
    ['a JPEG', Buffer.from('\xff\xd8\xff\xe0\0\x10JFIF', 'latin1'), {}, 'image/jpeg'],
    ['a GIF', Buffer.from('GIF89a\x01\0', 'latin1'), { type: 'image/png' }, 'image/gif'],
    ['a WebP', Buffer.from('RIFF\0\0\0\0WEBPVP8 ', 'latin1'), {}, 'image/webp'],
    ['a WAV named as a picture', wav(), { name: 'a.png', type: 'image/png' }, 'audio/wav'],
    ['an MP3 with tags', Buffer.from('ID3\x03\0\0\0\0\0\0', 'latin1'), {}, 'audio/mpeg'],
    ['an MP3 without', Buffer.from('\xff\xfb\x90\x64\0\0', 'latin1'), {}, 'audio/mpeg'],
    ['a PDF named as a picture', makePdf([['Hello']]), { name: 'a.png' }, 'application/pdf'],
    ['a text named as a picture', 'just words', { name: 'a.png', type: 'image/png' }, 'text/plain'],
    ['a Markdown', '# Words', { name: 'a.md', type: 'text/markdown' }, 'text/markdown'],
    [
      'an SVG',
      '<svg xmlns="http://www.w3.org/2000/svg"/>',
      { type: 'image/svg+xml' },
      'text/plain',
    ],
    ['a page', '<!doctype html><p>Words', { name: 'a.png', type: 'image/png' }, 'text/html'],
    ['a text in UTF-16', Buffer.from('\uFEFFhello', 'utf16le'), {}, 'text/plain'],
  ])('is told by its bytes: %s', async (_, content, said, mime_type) => {
    const { status, json, text } = await send({ content, ...said });
    expect(status, text).toBe(200);
    expect(json.mime_type).toBe(mime_type);
  });

  it.each<[string, Uint8Array | string]>([
    ['a page', '<!doctype html><script>alert(1)</script>Hello'],
    ['an SVG', '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script>Hello</svg>'],
    ['a PDF', makePdf([['Hello']])],
    ['a WAV', wav()],
    ['a picture', png()],
  ])('lets no browser run anything: %s', async (what, content) => {
    const name = 'a "b"\u202Egnp.exe; x=\'y\'.svg';
    const { json } = await send({ content, name: name.replaceAll('"', '%22') });
    const { headers } = await read(json.file_id);
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['content-security-policy']).toBe("default-src 'none'; sandbox");
    expect(headers['content-type']).not.toMatch(/html|svg|xml/u);
    const how = what === 'a picture' ? 'inline' : 'attachment';
    expect(headers['content-disposition']).toBe(
      `${how}; filename*=UTF-8''a%20%22b%22gnp.exe%3B%20x%3D%27y%27.svg`,
    );
  });

  it.each([
    ['../../etc/passwd', 'passwd'],
    [String.raw`C:\\Users\\me\\photo.png`, 'photo.png'],
    ['.htaccess', 'htaccess'],
    ['', 'file'],
    ['a\tb.txt', 'ab.txt'],
    [`${'x'.repeat(400)}.png`, `${'x'.repeat(196)}.png`],
    ['größe 漢😀.png', 'größe 漢😀.png'],
  ])('has a name that is safe to save under: %j', async (name, safe) => {
    const { json } = await send({ content: 'words', name });
    expect(json.name).toBe(safe);
  });
});

/** The same noise each time: at random it may begin with the mark of a charset. */
const NOISE = Buffer.concat(
  Array.from({ length: 160 }, (_, at) => createHash('sha256').update(String(at)).digest()),
);

describe.concurrent('what is no file here', () => {
  it.each<[string, Uint8Array | string, [number, string]]>([
    ['nothing', '', [400, 'invalid_request']],
    [
      'eleven megabytes',
      Buffer.concat([png(), Buffer.alloc(11 * MIB)]),
      [413, 'payload_too_large'],
    ],
    ['a program', Buffer.from('\x7fELF\x02\x01\x01\0', 'latin1'), [415, 'unsupported_media_type']],
    ['noise', NOISE, [415, 'unsupported_media_type']],
    ['an archive', Buffer.from('PK\x03\x04\0\0\0\0', 'latin1'), [415, 'unsupported_media_type']],
    ['white space', ' \n ', [400, 'document_unreadable']],
  ])('is refused, and nothing is kept: %s', async (_, content, [status, code]) => {
    const user_id = unique('user');
    const answer = await send({ content, name: 'a.png', type: 'image/png' }, { user_id });
    expect(answer.json, answer.text).toMatchObject(aProblem(status, code));
    expect((await target.call(`/files?user_id=${user_id}`)).json).toEqual([]);
  });

  const user_id = unique('user');
  const sound = formOf({ content: png() }, { before: { user_id } });
  it.each<[string, Buffer | string, string]>([
    ['a form that ends early', sound.subarray(0, -30), FORM_TYPE],
    ['a form without its boundary', sound, 'multipart/form-data'],
    ['a form with another boundary', sound, 'multipart/form-data; boundary=other'],
    ['a form without a file', Buffer.from('--a-boundary-of-the-tests--\r\n'), FORM_TYPE],
    [
      'an unknown field',
      formOf({ content: png() }, { before: { user_id, title: 'x' } }),
      FORM_TYPE,
    ],
    [
      'two users',
      formOf({ content: png() }, { before: { user_id }, after: { user_id } }),
      FORM_TYPE,
    ],
    ['nobody’s file', formOf({ content: png() }), FORM_TYPE],
    ['JSON', '{"file":"x"}', 'application/json'],
  ])('is refused: %s', async (_, rawBody, type) => {
    const answer = await target.call('/files', { rawBody, headers: { 'content-type': type } });
    expect(answer.json, answer.text).toMatchObject(aProblem(400, 'invalid_request'));
    expect((await target.call(`/files?user_id=${user_id}`)).json).toEqual([]);
  });
});
