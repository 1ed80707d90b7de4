/**
 * An Idempotency-Key that meets requests of different kinds, and what it made after it is gone. The
 * rest is in `test/faults`.
 */
import { describe, expect, it } from 'vitest';
import { aProblem } from './shapes.ts';
import { suiteTarget, unique } from './target.ts';

const target = suiteTarget();

/** What makes something, and what deletes it again. */
const making: Record<string, { path: string; fields: object; things: string }> = {
  'an empty conversation': { path: '/conversations', fields: {}, things: '/conversations' },
  'a turn': { path: '/conversations', fields: { message: 'hello' }, things: '/conversations' },
  'a document': { path: '/documents', fields: { text: 'Some words.' }, things: '/documents' },
};
const names = Object.keys(making);

/** Makes something with a key; answers its id. */
async function make(name: string, user_id: string, key: string) {
  const { path = '', fields = {} } = making[name] ?? {};
  const headers = { 'idempotency-key': key };
  return target.call<{ conversation_id?: string; document_id?: string }>(path, {
    json: { user_id, ...fields },
    headers,
  });
}

describe.concurrent('a key', () => {
  it.each(
    names.flatMap((first) => names.filter((name) => name !== first).map((name) => [first, name])),
  )('of %s is not one of %s', async (first = '', second = '') => {
    const [user, key] = [unique('user'), unique('key')];
    expect((await make(first, user, key)).status).toBe(200);
    const { status, json } = await make(second, user, key);
    expect({ status, json }).toMatchObject({
      status: 409,
      json: aProblem(409, 'idempotency_key_reused'),
    });
  });

  it.each(names)('a key of %s that was deleted makes no other', async (name) => {
    const [user, key] = [unique('user'), unique('key')];
    const { json: made } = await make(name, user, key);
    const id = made.document_id ?? made.conversation_id;
    await target.call(`${making[name]?.things}/${id}`, { method: 'DELETE' });
    const { status, json } = await make(name, user, key);
    expect({ status, json }).toMatchObject({ status: 404, json: aProblem(404, 'not_found') });
  });

  it('is the same with a trailing slash', async () => {
    const headers = { 'idempotency-key': unique('key') };
    const json = { user_id: unique('user') };
    const paths = ['/chats', '/chats/', '/chats//'];
    const made: unknown[] = [];
    for (const path of paths) made.push((await target.call(path, { json, headers })).json);
    expect(made).toEqual(paths.map(() => made[0]));
  });
});
