/** Who is calling: API keys and tokens, and whom they act for. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { idOfKey, runKeys } from '../support/keys.ts';
import { signToken, startIdentityServer, type IdentityServer } from './identity.ts';
import { aProblem } from './shapes.ts';
import { suiteTarget, unique } from './target.ts';

const { runtime } = suiteTarget();
let it_: IdentityServer;
beforeAll(async () => {
  it_ = await startIdentityServer(runtime);
}, 150_000);
afterAll(() => it_.close());

const says = { json: { message: 'Hello', model: 'offline' } };

interface Begun {
  conversation_id: string;
}

function expectUnauthenticated(answer: { status: number; json: unknown; headers: object }): void {
  expect(answer.json).toMatchObject(aProblem(401, 'unauthenticated'));
  expect(answer.headers).toMatchObject({ 'www-authenticate': 'Bearer' });
}

describe('a key', () => {
  it('is whom a conversation is for, in either header', async () => {
    const user = unique('user');
    const key = await it_.key({ user });
    const made = await it_.call<Begun>('/conversations', { as: key, ...says });
    expect(made.status, made.text).toBe(200);
    const list = await it_.call<{ user_id: string }[]>('/conversations', {
      headers: { 'x-api-key': key },
    });
    expect(list.json).toMatchObject([{ user_id: user }]);
    const other = await it_.key({ user: unique('other') });
    const id = made.json.conversation_id;
    expect((await it_.call(`/conversations/${id}`, { as: other })).status).toBe(404);
  });

  it('starts nothing once it is revoked', async () => {
    const user = unique('user');
    const key = await it_.key({ user });
    const made = await it_.call<Begun>('/conversations', { as: key, ...says });
    const { output } = await runKeys(it_.server.databaseUrl, ['revoke', idOfKey(key)]);
    expect(output).toContain('revoked');
    const path = `/conversations/${made.json.conversation_id}/messages`;
    expectUnauthenticated(await it_.call(path, { as: key, ...says }));
    expectUnauthenticated(await it_.call('/conversations', { as: key, ...says }));
    const again = await it_.key({ user });
    const read = await it_.call<unknown[]>(path, { as: again });
    expect(read.json).toHaveLength(2);
    expect((await it_.call<unknown[]>('/conversations', { as: again })).json).toHaveLength(1);
  });
});

describe('a token', () => {
  it('is whom a conversation is for', async () => {
    const user = unique('user');
    const made = await it_.call<Begun>('/conversations', { as: signToken({ sub: user }), ...says });
    expect(made.status, made.text).toBe(200);
  });
});

it('asks for a credential of whoever has none', async () => {
  expectUnauthenticated(await it_.call('/conversations', says));
  expectUnauthenticated(await it_.call('/models'));
  expect((await it_.call('/health')).status).toBe(200);
});
