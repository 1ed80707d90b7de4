import { expect, test } from 'vitest';
import { withWholeFences } from '../../../src/documents/fences.ts';

test.each([
  ['an opened block is closed', 'Run:\n```sh\nls', 'Run:\n```sh\nls\n```'],
  ['a bare opened block is closed', '```\nls', '```\nls\n```'],
  ['a block that lacks its beginning gets one', 'ls\npwd\n```', '```\nls\npwd\n```'],
  ['tildes keep their length', '~~~~js\nlet a', '~~~~js\nlet a\n~~~~'],
  ['the last of several is closed', '```\na\n```\n\n```js\nb', '```\na\n```\n\n```js\nb\n```'],
  ['whole blocks stay as they are', '```\na\n```', '```\na\n```'],
  ['text stays as it is', 'a `b` c', 'a `b` c'],
])('%s', (_, piece, whole) => {
  expect(withWholeFences(piece)).toBe(whole);
});
