import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { anId, aProblem, aText } from './shapes.ts';
import { suiteTarget, unique } from './target.ts';

const target = suiteTarget();

it.each(['/health', '/health/'])('is well: %s', async (path) => {
  const { status, json } = await target.call(path);
  expect(status).toBe(200);
  expect(json).toMatchObject({ status: 'ok', database: 'ok' });
});

describe('GET /', () => {
  it.each(['application/json', '*/*', undefined])('is JSON for Accept %s', async (accept) => {
    const answer = await target.call('/', { headers: accept === undefined ? {} : { accept } });
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ name: 'parley', version: aText, docs: '/docs' });
    expect(answer.headers.vary).toMatch(/\baccept\b/iu);
  });

  it('is a page for browsers', async () => {
    const accept = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
    const answer = await target.call('/', { headers: { accept } });
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(answer.headers.vary).toMatch(/\baccept\b/iu);
    expect(answer.text).toMatch(/<title>.*parley/iu);
  });
});

describe('pages', () => {
  it.each(['/', '/docs', '/docs/', '/redoc'])(
    '%s loads nothing from another host',
    async (path) => {
      const { status, headers, text } = await target.call(path, {
        headers: { accept: 'text/html' },
      });
      expect(status).toBe(200);
      expect(headers['content-type']).toBe('text/html; charset=utf-8');
      expect(headers['content-security-policy']).toContain("default-src 'none'");
      const loaded = [
        ...text.matchAll(/<(?:script|link|img|iframe)\b[^>]+(?:src|href)="([^"]+)"/gu),
      ];
      const assets = loaded.map(([, address = '']) => address);
      expect(assets.length).toBeGreaterThan(1);
      expect(assets.filter((address) => !/^\/assets\/[\w.-]+$/u.test(address))).toEqual([]);
      for (const asset of assets) {
        const found = await target.call(asset);
        expect(found.status, asset).toBe(200);
        expect(found.headers['x-content-type-options']).toBe('nosniff');
        expect(found.bytes.length).toBeGreaterThan(20);
      }
    },
  );
});

describe('the chat', () => {
  const pageIn = (language: string) =>
    target.call('/', { headers: { accept: 'text/html', 'accept-language': language } });

  it('is in the language that the reader likes best', async () => {
    const { text, headers } = await pageIn('de-AT, en;q=0.8');
    expect(text).toContain('<html lang="de">');
    expect(headers.vary).toMatch(/accept-language/iu);
    expect((await pageIn('fr')).text).toContain('<html lang="en">');
    expect((await target.call('/de')).status).toBe(404);
  });

  it('loads scripts and styles that a browser may keep for ever', async () => {
    const { text, headers } = await pageIn('en');
    expect(headers['cache-control']).toBe('no-cache');
    const built = [...text.matchAll(/"(\/assets\/[\w-]+-[A-Z0-9]{8}\.(?:js|css|svg))"/gu)];
    expect(built.length).toBeGreaterThan(1);
    for (const [, path = ''] of built) {
      const asset = await target.call(path);
      expect(asset.status).toBe(200);
      expect(asset.headers['cache-control']).toBe('public, max-age=31536000, immutable');
      expect(asset.headers['content-type']).toMatch(
        /^(?:text\/(?:javascript|css); charset=utf-8|image\/svg\+xml)$/u,
      );
    }
    expect((await target.call('/assets/chat-AAAAAAAA.js')).status).toBe(404);
  });

  it('is sent by gzip to those who take it', async () => {
    const plain = await pageIn('en');
    const [script = ''] = /\/assets\/chat-\w+\.js/u.exec(plain.text) ?? [];
    for (const path of ['/', script]) {
      const ask = (encoding: string) =>
        target.call(path, { headers: { accept: 'text/html', 'accept-encoding': encoding } });
      const whole = await ask('gzip;q=0, identity');
      expect(whole.headers['content-encoding']).toBeUndefined();
      // On Workers the network does it: a local one may leave it out.
      if (target.runtime !== 'node') continue;
      for (const encoding of ['gzip, deflate, br', 'br;q=1.0, gzip;q=0.8', '*']) {
        const { headers, bytes } = await ask(encoding);
        expect(headers['content-encoding']).toBe('gzip');
        expect(headers.vary).toMatch(/accept-encoding/iu);
        expect(gunzipSync(bytes).toString()).toBe(whole.text);
      }
    }
  });
});

it('lists the models that are on', async () => {
  const { status, json } = await target.call<{ models: { id: string }[] }>('/models/');
  expect(status).toBe(200);
  expect(json).toMatchObject({ default: 'openai/default' });
  const ids = json.models.map(({ id }) => id);
  expect(ids).toEqual(
    expect.arrayContaining(['fast', 'smart', 'offline', 'groq/llama-3.1-8b-instant']),
  );
  // `offline/slow` is as slow as it says: the tests of the offline models ask it.
  const asked = ids
    .filter((id) => id !== 'offline/slow')
    .map(async (id) => {
      const json = { user_id: unique('user'), message: 'are you on', model: id };
      const answer = await target.call('/conversations', { json });
      return { id, status: answer.status };
    });
  for (const answer of await Promise.all(asked)) expect(answer).toMatchObject({ status: 200 });
});

it.each(['/docs', '/redoc'])('%s has a way home and follows the dark mode', async (path) => {
  const { text } = await target.call(path);
  expect(text).toContain('<a href="/">');
  expect(text).toContain('<meta name="color-scheme" content="light dark" />');
  const styles = await target.call('/assets/docs.css');
  expect(styles.text).toContain('.dark-mode');
});

describe('X-Request-Id', () => {
  it.each([
    ['/', 200],
    ['/health', 200],
    ['/openapi.json', 200],
    ['/docs', 200],
    ['/assets/docs.js', 200],
    ['/nothing-here', 404],
    ['/conversations', 400],
    ['/conversations/unknown', 404],
    ['/turns/unknown/events', 404],
    ['/ws/users/nobody/status', 200],
  ])('is on the answer of %s', async (path, status) => {
    const answer = await target.call(path);
    expect(answer.status).toBe(status);
    expect(answer.headers['x-request-id']).toEqual(anId);
    const other = await target.call(path);
    expect(other.headers['x-request-id']).not.toBe(answer.headers['x-request-id']);
  });

  it('is on refusals that come before any route, and on answers to browsers', async () => {
    const refusals = await Promise.all([
      target.call('/conversations', { rawBody: '{', headers: { 'content-type': 'text/plain' } }),
      target.call('/conversations', { json: {}, headers: { origin: 'https://elsewhere.example' } }),
      target.call('/health', { headers: { host: 'rebound.example' } }),
      target.call('/conversations', { method: 'OPTIONS', headers: { origin: 'http://localhost' } }),
      target.call('/conversations', { method: 'PUT' }),
    ]);
    for (const { headers } of refusals) expect(headers['x-request-id']).toEqual(anId);
  });

  it.each([undefined, 'http://localhost:5173'])(
    'is on a streamed turn, once, as Vary is, for a caller of origin %s',
    async (origin) => {
      const { status, headers } = await target.call('/conversations', {
        json: { user_id: unique('user'), message: 'which headers?', stream: true },
        headers: { 'x-request-id': 'mine-2', ...(origin === undefined ? {} : { origin }) },
      });
      expect(status).toBe(200);
      expect(headers).toMatchObject({
        'content-type': 'text/event-stream; charset=utf-8',
        'x-request-id': 'mine-2',
        'x-turn-id': anId,
        vary: 'Origin',
      });
      expect(headers['access-control-allow-origin']).toBe(origin);
    },
  );

  it('may be given by the caller, unless it is strange', async () => {
    const given = await target.call('/nothing', { headers: { 'x-request-id': 'mine-1' } });
    expect(given.headers['x-request-id']).toBe('mine-1');
    expect(given.json).toMatchObject({ ...aProblem(404, 'not_found'), instance: 'mine-1' });
    for (const strange of ['<script>', 'a b', 'x'.repeat(300)]) {
      const answer = await target.call('/nothing', { headers: { 'x-request-id': strange } });
      expect(answer.headers['x-request-id']).toEqual(anId);
    }
  });
});
