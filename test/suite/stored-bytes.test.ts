/** What users may have in files: a limit that holds for uploads at once, and in every way. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FORM_TYPE, formOf, png, type FileJson } from './files-client.ts';
import { startIdentityServer, type IdentityServer } from './identity.ts';
import { aProblem } from './shapes.ts';
import { suiteTarget, unique } from './target.ts';

const { runtime } = suiteTarget();
const MIB = 1024 * 1024;
/** Room for three files of a megabyte, and a bit. */
const LIMIT = 3 * MIB + 1_000;

let server: IdentityServer;
beforeAll(async () => {
  server = await startIdentityServer(runtime, { LIMIT_STORED_BYTES: String(LIMIT) });
}, 150_000);
afterAll(() => server.close());

interface LimitsJson {
  limits: { name: string; limit: number; used: number; remaining: number }[];
}

const picture = (size = MIB) => Buffer.concat([png(), randomBytes(size - png().length)]);

async function someone() {
  const user = unique('user');
  const as = await server.key({ user });
  const send = (content: Uint8Array, headers = {}) =>
    server.call<FileJson>('/files', {
      as,
      rawBody: formOf({ content, name: 'a.png' }),
      headers: { 'content-type': FORM_TYPE, ...headers },
    });
  const stored = async () => {
    const { json } = await server.call<LimitsJson>('/limits', { as });
    return json.limits.find(({ name }) => name === 'stored_bytes');
  };
  const files = async () => (await server.call<FileJson[]>('/files', { as })).json;
  return { user, as, send, stored, files };
}

describe.concurrent('the limit of stored bytes', () => {
  it('is kept by uploads at once, and tells how it stands', async () => {
    const { send, stored, files } = await someone();
    const answers = await Promise.all(Array.from({ length: 6 }, () => send(picture())));
    const refused = answers.filter(({ status }) => status !== 200);
    expect(refused).toHaveLength(3);
    for (const { json, headers } of refused) {
      expect(json).toMatchObject({
        ...aProblem(429, 'quota_exceeded'),
        detail: 'Used up: stored_bytes',
      });
      // Waiting makes no room.
      expect(headers['retry-after']).toBeUndefined();
    }
    expect(await files()).toHaveLength(3);
    expect(await stored()).toMatchObject({ limit: LIMIT, used: 3 * MIB, remaining: 1_000 });
  });

  it('counts the same bytes once, and has room again when files are deleted', async () => {
    const { as, send, stored } = await someone();
    const content = picture(2 * MIB);
    const first = await send(content);
    expect((await send(content)).status).toBe(200);
    expect(await stored()).toMatchObject({ used: 2 * MIB });
    const other = picture(2 * MIB);
    expect((await send(other)).status).toBe(429);
    const again = await send(content, { 'idempotency-key': 'once' });
    const files = [first.json.file_id, again.json.file_id];
    for (const id of files) await server.call(`/files/${id}`, { as, method: 'DELETE' });
    expect((await send(other)).status).toBe(429);
    const { json } = await server.call<FileJson[]>('/files', { as });
    await server.call(`/files/${json[0]?.file_id}`, { as, method: 'DELETE' });
    expect(await stored()).toMatchObject({ used: 0 });
    expect((await send(other)).status).toBe(200);
  });

  it('holds for files that come with a message, and such a message starts nothing', async () => {
    const { as, send } = await someone();
    await send(picture(3 * MIB));
    const url = `data:image/png;base64,${picture(2_000).toString('base64')}`;
    const content = [
      { type: 'text', text: 'Look' },
      { type: 'image_url', image_url: { url } },
    ];
    const json = { model: 'openai/gpt-4o', messages: [{ role: 'user', content }] };
    const answer = await server.call('/v1/chat/completions', { as, json });
    expect(answer.status).toBe(429);
    expect((await server.call('/conversations', { as })).json).toEqual([]);
  });

  it('may be another for a single user, or none', async () => {
    const { user, send, stored } = await someone();
    const set = (json: object) =>
      server.call(`/users/${user}/limits`, { as: server.admin, method: 'PUT', json });
    await set({ stored_bytes: 1_000 });
    expect((await send(picture(2_000))).status).toBe(429);
    await set({ stored_bytes: null });
    expect((await send(picture(4 * MIB))).status).toBe(200);
    expect(await stored()).toBeUndefined();
    await set({});
    expect(await stored()).toMatchObject({ limit: LIMIT, used: 4 * MIB, remaining: 0 });
  });

  it('stops no turn', async () => {
    const { as, send } = await someone();
    await send(picture(3 * MIB));
    const json = { message: 'Hello', model: 'offline' };
    const answer = await server.call('/conversations', { as, json });
    expect(answer.status).toBe(200);
    expect(String(answer.headers['ratelimit'] ?? '')).not.toContain('stored_bytes');
  });
});
