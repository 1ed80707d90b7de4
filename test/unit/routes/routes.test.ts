import { expect, it } from 'vitest';
import { createApp } from '../../../src/app.ts';

it('describes every route that exists, and no other', () => {
  const app = createApp(() => {
    throw new Error('no request is made here');
  });
  const info = { title: 'routes', version: '0' };
  const { paths = {} } = app.getOpenAPI31Document({ openapi: '3.1.0', info });
  const described = Object.entries(paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method} ${path}`),
  );
  const existing = app.routes
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => `${method.toLowerCase()} ${path.replaceAll(/:(\w+)/gu, '{$1}')}`)
    // Files that the pages load.
    .filter((route) => route !== 'get /assets/*');
  expect(existing.length).toBeGreaterThan(30);
  expect([...new Set(existing)].toSorted()).toEqual(described.toSorted());
});
