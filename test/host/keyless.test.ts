/** Servers that speak OpenAI's API and want no key, as those do that run on one's own machine. */
import { expect, it } from 'vitest';
import { request } from '../support/http.ts';
import { startServer } from '../support/server.ts';
import { startUpstream } from '../support/upstream.ts';

it('a compatible server is asked without a key, for answers and for embeddings', async () => {
  const upstream = await startUpstream();
  const server = await startServer({
    env: {
      OPENAI_BASE_URL: upstream.openaiBaseUrl,
      DEFAULT_MODEL: 'openai/of-my-own',
      EMBEDDING_MODEL: 'openai/embeddings-of-my-own',
    },
  });
  try {
    const answered = await request<{ status: string }>(`${server.url}/conversations`, {
      json: { user_id: 'u', message: 'Are you there?' },
    });
    expect(answered).toMatchObject({ status: 200, json: { status: 'complete' } });
    const taken = await request<{ status: string }>(`${server.url}/documents`, {
      json: { user_id: 'u', title: 'T', text: 'A text to be embedded.' },
    });
    expect(taken.status, taken.text).toBeLessThan(300);
    expect(server.logs()).not.toContain('API key');
  } finally {
    await server.close();
    await upstream.close();
  }
});
