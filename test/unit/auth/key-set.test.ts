/** When the issuer's keys are looked for: by a clock that the test sets. */
import * as jose from 'jose';
import { beforeEach, expect, it } from 'vitest';
import { KeySet } from '../../../src/auth/key-set.ts';

const MINUTE = 60_000;
let time = 0;
let asked = 0;
let isAway = false;
let kids: string[] = [];
let keys: KeySet;

beforeEach(() => {
  [time, asked, isAway, kids] = [1_000_000, 0, false, ['first']];
  keys = new KeySet(
    async () => {
      asked++;
      if (isAway) throw new Error('the issuer is away');
      return { keys: await Promise.all(kids.map(publicKey)) };
    },
    () => time,
  );
});

async function publicKey(kid: string): Promise<jose.JWK> {
  const { publicKey: key } = await jose.generateKeyPair('ES256', { extractable: true });
  return { ...(await jose.exportJWK(key)), kid };
}

async function find(kid: string): Promise<string> {
  const header = { alg: 'ES256', kid };
  const token = { payload: '', signature: '', protected: '' };
  return keys.find(jose, header, token).then(
    () => 'found',
    (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : 'failed'),
  );
}

it('asks once for all who come at the same time', async () => {
  expect(await Promise.all([find('first'), find('first'), find('first')])).toEqual([
    'found',
    'found',
    'found',
  ]);
  expect(asked).toBe(1);
});

it('asks again after ten minutes, and goes on with old keys while the issuer is away', async () => {
  await find('first');
  time += 11 * MINUTE;
  isAway = true;
  expect(await find('first')).toBe('found');
  expect(asked).toBe(2);
  await find('first');
  expect(asked, 'within the cool-down').toBe(2);
  time += MINUTE;
  isAway = false;
  expect(await find('first')).toBe('found');
  expect(asked).toBe(3);
});

it('looks once for an unknown id, and not again for half a minute', async () => {
  await find('first');
  time += MINUTE;
  kids = ['first', 'second'];
  expect(await find('second')).toBe('found');
  expect(asked).toBe(2);
  for (const made of ['a', 'b', 'c']) expect(await find(made)).toBe('ERR_JWKS_NO_MATCHING_KEY');
  expect(asked).toBe(2);
  time += MINUTE;
  await find('a');
  expect(asked).toBe(3);
});

it('says that identity is unavailable where there were never any keys', async () => {
  isAway = true;
  expect(await find('first')).toBe('identity_unavailable');
  await find('first');
  expect(asked, 'within the cool-down').toBe(1);
  isAway = false;
  time += 3_000;
  expect(await find('first')).toBe('found');
});
