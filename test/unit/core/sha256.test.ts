import { expect, it } from 'vitest';
import { sha256 } from '../../../src/core/sha256.ts';
import { hashShortTexts } from '../../../src/host/node/tuning/short-hashes.ts';

it('is the same in place as by WebCrypto, whatever the text and its length', async () => {
  const texts = ['', 'Hi', 'ünd 雨 😀', 'half of a pair: \ud83d', 'x'.repeat(20_000)];
  const before = await Promise.all(texts.map((text) => sha256(text)));
  expect(before[1]).toBe('3639efcd08abb273b1619e82e78c29a7df02c1051b1820e99fc395dcaa3326b8');
  hashShortTexts();
  expect(await Promise.all(texts.map((text) => sha256(text)))).toEqual(before);
  expect(await sha256(new TextEncoder().encode('Hi'))).toBe(before[1]);
});
