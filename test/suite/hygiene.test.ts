/** What HTTP itself can do for safety: headers, policies of content, bodies that are refused. */
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { aProblem } from './shapes.ts';
import { suiteTarget, unique } from './target.ts';

const target = suiteTarget();

describe('every answer', () => {
  it.each([
    '/',
    '/health',
    '/openapi.json',
    '/docs',
    '/assets/docs.css',
    '/nowhere',
    '/turns/none',
  ])('%s is what its type says, and tells no version of a server', async (path) => {
    const { headers } = await target.call(path);
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['cross-origin-resource-policy']).toBe('same-origin');
    for (const name of ['server', 'x-powered-by', 'via']) expect(headers).not.toHaveProperty(name);
    expect(headers).not.toHaveProperty('strict-transport-security');
  });

  it('the head of a stream has them too', async () => {
    const json = { user_id: unique('user'), message: 'Hi', model: 'offline', stream: true };
    const stream = await target.stream('/conversations', { json });
    expect(stream.headers['x-content-type-options']).toBe('nosniff');
    await stream.collect();
  });

  it('tells browsers to stay with TLS, where TLS is spoken', async () => {
    const headers = { 'x-forwarded-proto': 'https' };
    const answer = await target.call('/health', { headers });
    expect(answer.headers['strict-transport-security']).toMatch(/^max-age=\d{8}/u);
  });
});

describe('a page', () => {
  it('a page of ours runs its own files alone, and makes no markup of text', async () => {
    const { headers } = await target.call('/', { headers: { accept: 'text/html' } });
    const policy = String(headers['content-security-policy']);
    for (const rule of [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ])
      expect(policy.split('; ')).toContain(rule);
    expect(headers['referrer-policy']).toBe('no-referrer');
    expect(headers['cross-origin-opener-policy']).toBe('same-origin');
  });

  it.each(['/docs', '/redoc'])('a page of a viewer (%s) runs no inline script', async (path) => {
    const policy = String((await target.call(path)).headers['content-security-policy']);
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toContain('unsafe-eval');
  });
});

describe('a compressed body', () => {
  it.each(['gzip', 'deflate', 'br', 'zstd', 'gzip, gzip'])('is refused: %s', async (encoding) => {
    const user = unique('user');
    const rawBody = gzipSync(JSON.stringify({ user_id: user, padding: 'x'.repeat(100_000) }));
    const headers = { 'content-type': 'application/json', 'content-encoding': encoding };
    const answer = await target.call('/conversations', { method: 'POST', rawBody, headers });
    expect(answer.json).toMatchObject(aProblem(415, 'unsupported_media_type'));
    expect((await target.call(`/conversations?user_id=${user}`)).json).toEqual([]);
  });

  it('is none when it says identity', async () => {
    const json = { user_id: unique('user') };
    const headers = { 'content-encoding': 'identity' };
    expect((await target.call('/conversations', { json, headers })).status).toBe(200);
  });
});

describe('credentials', () => {
  it('are not looked at while everybody may call', async () => {
    const headers = { authorization: 'Bearer whatever', 'x-api-key': 'another' };
    expect((await target.call('/models', { headers })).status).toBe(200);
  });

  it.each(['/keys', '/tickets', '/session'])('are not given out then: POST %s', async (path) => {
    const answer = await target.call(path, { method: 'POST' });
    expect(answer.json).toMatchObject(aProblem(403, 'forbidden'));
  });
});
