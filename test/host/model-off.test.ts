/**
 * A conversation whose model is no longer on when its next message comes: the message is refused,
 * and nothing of it is kept.
 */
import { expect, it } from 'vitest';
import { request } from '../support/http.ts';
import { startServer } from '../support/server.ts';
import { startUpstream } from '../support/upstream.ts';

interface Problem {
  code: string;
  detail: string;
}

it('a conversation whose model has gone off takes no message until it has another', async () => {
  const upstream = await startUpstream();
  const server = await startServer({ env: upstream.env });
  const call = <Body>(path: string, json?: unknown, method?: string) =>
    request<Body>(server.url + path, { json, ...(method && { method }) });
  try {
    const made = await call<{ id: string }>('/conversations', {
      user_id: 'u',
      model: 'openai/some-model',
    });
    const path = `/conversations/${made.json.id}`;
    await server.restart({ OPENAI_API_KEY: '', OPENAI_BASE_URL: '' });
    for (const key of [undefined, 'once', 'once']) {
      const refused = await request<Problem>(`${server.url}${path}/messages`, {
        json: { message: 'Are you there?' },
        ...(key && { headers: { 'idempotency-key': key } }),
      });
      expect(refused).toMatchObject({ status: 400, json: { code: 'unknown_model' } });
      expect(refused.json.detail).toContain('offline');
    }
    const { json: kept } = await call(path);
    expect(kept).toMatchObject({ title: null, messages: [] });
    await call(path, { model: 'offline' }, 'PATCH');
    const answered = await call(`${path}/messages`, { message: 'Are you there?' });
    expect(answered.status).toBe(200);
    expect((await call(path)).json).toMatchObject({
      title: 'Are you there?',
      messages: [{ sequence_number: 1 }, { sequence_number: 2, status: 'complete' }],
    });
  } finally {
    await server.close();
    await upstream.close();
  }
});
