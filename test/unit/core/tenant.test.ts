import { expect, it } from 'vitest';
import { hasTenants, isTenant, urlOfTenant } from '../../../src/core/tenant.ts';

it.each(['a', '7', 'acme', 'acme-2', 'a--b', 'a'.repeat(48)])('takes the name %s', (name) => {
  expect(isTenant(name)).toBe(true);
});

it.each([
  ...[
    '',
    '-a',
    'a-',
    'A',
    'ä',
    'a.b',
    'a/b',
    '..',
    'a b',
    'a@b',
    'a:1',
    'a%2e',
    'a?b',
    'a#b',
    'a\\b',
  ],
  ...['a\n', 'a\0', '{tenant}', 'a'.repeat(49), 7, null, undefined, ['a'], { a: 1 }],
])('takes no name that leads elsewhere: %j', (name) => {
  expect(isTenant(name)).toBe(false);
});

it('puts the name in its place, and no other text', () => {
  for (const text of ['', 'evil.example/', 'a\n'])
    expect(() => urlOfTenant('http://{tenant}.example', text)).toThrow(RangeError);
  expect(hasTenants('http://one.example')).toBe(false);
  expect(hasTenants('libsql://{tenant}-org.turso.io')).toBe(true);
  expect(urlOfTenant('libsql://{tenant}-org.turso.io', 'acme')).toBe('libsql://acme-org.turso.io');
  expect(urlOfTenant('http://db:8080/{tenant}/', 'acme')).toBe('http://db:8080/acme/');
});
