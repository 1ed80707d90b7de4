import { describe, expect, it } from 'vitest';
import { boundaryOf, partsOf } from '../../../../src/routes/files/multipart.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Gives the bytes of a text in pieces, cut at these places. */
async function* piecesOf(text: string, cuts: readonly number[]) {
  const bytes = encoder.encode(text);
  const ends = [...cuts, bytes.length];
  for (const [at, end] of ends.entries())
    yield await Promise.resolve(bytes.slice(at === 0 ? 0 : ends[at - 1], end));
}

async function read(form: string, cuts: readonly number[] = []) {
  const parts = [];
  for await (const { name, fileName, type, bytes } of partsOf(piecesOf(form, cuts), 'b-b')) {
    let text = '';
    for await (const piece of bytes) text += decoder.decode(piece, { stream: true });
    parts.push({ name, fileName, type, text });
  }
  return parts;
}

/** Its content has line breaks and all but the last letter of the boundary. */
const AWKWARD = 'one\r\n--b-\r\r\n\r\n--b\r\ntwo\r';
const FORM = [
  'what nobody reads',
  '--b-b',
  'Content-Disposition: form-data; name="title"',
  '',
  'A “title”',
  '--b-b',
  'content-disposition: form-data; name=file; filename="a \\"b\\" %22c%22.txt"',
  'Content-Type: text/plain',
  '',
  AWKWARD,
  '--b-b',
  'Content-Disposition: form-data; name="empty"',
  '',
  '',
  '--b-b--',
  '',
].join('\r\n');

const PARTS = [
  { name: 'title', fileName: undefined, type: undefined, text: 'A “title”' },
  { name: 'file', fileName: 'a "b" "c".txt', type: 'text/plain', text: AWKWARD },
  { name: 'empty', fileName: undefined, type: undefined, text: '' },
];

describe('a form', () => {
  it('is read the same wherever the network cuts it', async () => {
    const { length } = encoder.encode(FORM);
    for (let cut = 0; cut <= length; cut += 1) expect(await read(FORM, [cut])).toEqual(PARTS);
    const everywhere = Array.from({ length }, (_, at) => at);
    expect(await read(FORM, everywhere)).toEqual(PARTS);
  });

  it('that ends before its end is refused, wherever that is', async () => {
    const whole = FORM.lastIndexOf('--');
    for (let end = 0; end < whole; end += 1)
      await expect(read(FORM.slice(0, end))).rejects.toMatchObject({ code: 'invalid_request' });
  });

  it('is read on where a part was not', async () => {
    const names = [];
    for await (const { name } of partsOf(piecesOf(FORM, []), 'b-b')) names.push(name);
    expect(names).toEqual(['title', 'file', 'empty']);
  });

  it.each([
    ['a part without a name', 'Content-Disposition: form-data'],
    ['a part of something else', 'Content-Disposition: attachment; name="a"'],
    ['a head that is too long', `Content-Disposition: form-data; name="${'a'.repeat(20_000)}"`],
  ])('with %s is refused', async (_, head) => {
    const form = `--b-b\r\n${head}\r\n\r\ntext\r\n--b-b--\r\n`;
    await expect(read(form)).rejects.toMatchObject({ code: 'invalid_request' });
  });
});

it.each([
  ['multipart/form-data; boundary=abc', 'abc'],
  ['multipart/form-data; charset=utf-8; BOUNDARY="a b;c"', 'a b;c'],
])('finds the boundary in %s', (type, boundary) => {
  expect(boundaryOf(type)).toBe(boundary);
});

it.each([undefined, 'multipart/form-data', `multipart/form-data; boundary=${'a'.repeat(201)}`])(
  'refuses a content type without a boundary that can be used: %s',
  (type) => {
    expect(() => boundaryOf(type)).toThrow('The form cannot be read');
  },
);
