import { expect, it } from 'vitest';
import { isLoopback } from '../../../src/core/loopback.ts';

it.each([
  ['localhost', true],
  ['app.localhost', true],
  ['LOCALHOST', true],
  ['127.0.0.1', true],
  ['127.9.8.7', true],
  ['::1', true],
  ['[::1]', true],
  ['0.0.0.0', false],
  ['::', false],
  ['192.168.0.1', false],
  ['localhost.example', false],
  ['127.0.0.1.example', false],
  ['notlocalhost', false],
])('knows whether only this machine reaches %s: %s', (host, loopback) => {
  expect(isLoopback(host)).toBe(loopback);
});
