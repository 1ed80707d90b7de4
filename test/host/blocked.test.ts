/**
 * A process that stood still for seconds: what happened on the network meanwhile is noticed before
 * the network is used again.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { request } from '../support/http.ts';
import { startServer } from '../support/server.ts';

const CHUNKS = [
  { delta: { role: 'assistant', content: 'still here' }, finish_reason: null },
  { delta: {}, finish_reason: 'stop' },
].map((choice) => ({
  id: 'c',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'm',
  choices: [{ index: 0, ...choice }],
}));
const ANSWER = [...CHUNKS.map((chunk) => JSON.stringify(chunk)), '[DONE]']
  .map((data) => `data: ${data}\n\n`)
  .join('');

it('asks no model on a connection that was closed while another process held the database', async () => {
  const service = createServer(
    { keepAliveTimeout: 200, keepAliveTimeoutBuffer: 0 },
    (incoming, outgoing) => {
      // A connection of its own words: no hint of how long it is kept.
      incoming
        .resume()
        .on('end', () =>
          outgoing
            .writeHead(200, { 'content-type': 'text/event-stream', connection: 'keep-alive' })
            .end(ANSWER),
        );
    },
  );
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  const { port } = service.address() as AddressInfo;
  const server = await startServer({
    env: { OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1`, OPENAI_API_KEY: 'k' },
  });
  const other = new DatabaseSync(server.databaseUrl.replace(/^file:/u, ''), { timeout: 5_000 });
  const turn = () =>
    request<{ status: string }>(`${server.url}/chat/conversations/${conversation}/messages`, {
      json: { content: 'Are you there?', model: 'openai/m' },
    });
  const { json } = await request<{ id: string }>(`${server.url}/conversations`, {
    json: { user_id: 'u' },
  });
  const conversation = json.id;
  try {
    for (let time = 0; time < 3; time += 1) {
      expect(await turn()).toMatchObject({ status: 200 });
      // oxlint-disable-next-line parley/no-interactive-transaction -- another program's
      other.exec('BEGIN IMMEDIATE');
      const delayed = turn();
      await sleep(1_500);
      // oxlint-disable-next-line parley/no-interactive-transaction -- another program's
      other.exec('COMMIT');
      expect(await delayed).toMatchObject({ status: 200, json: { status: 'complete' } });
    }
  } finally {
    other.close();
    await server.close();
    service.close();
  }
});
