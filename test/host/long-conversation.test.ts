/**
 * A conversation of more than a thousand messages: its newest are shown, the rest is behind links.
 */
import { expect, it } from 'vitest';
import { request } from '../support/http.ts';
import { startServer } from '../support/server.ts';
import { startUpstream } from '../support/upstream.ts';
import { openWebSocket } from '../support/websocket.ts';

const TURNS = 505;

interface Listed {
  sequence_number: number;
}

it('shows the newest 1,000 messages and links to all', async () => {
  const upstream = await startUpstream();
  const server = await startServer({ env: { ...upstream.env, DEFAULT_MODEL: 'openai/quick' } });
  try {
    const socket = await openWebSocket(`${server.url}/ws/u`);
    let id: unknown;
    for (let turn = 0; turn < TURNS; turn += 1) {
      socket.send({ message: `turn ${turn}`, conversation_id: id });
      ({ conversation_id: id } = await socket.next('message_complete'));
    }
    const numbers = Array.from({ length: 2 * TURNS }, (_, index) => index + 1);
    for (const path of ['/conversations', '/chat/conversations']) {
      const { json, headers } = await request<{ messages: Listed[] }>(
        `${server.url}${path}/${String(id)}`,
      );
      expect(json.messages.map((message) => message.sequence_number)).toEqual(numbers.slice(-1000));
      let next = /^<([^>]+)>; rel="next"$/u.exec(String(headers.link))?.[1];
      const all: number[] = [];
      while (next !== undefined && all.length < 2 * numbers.length) {
        const page = await request<Listed[]>(server.url + next);
        all.push(...page.json.map((message) => message.sequence_number));
        next = /^<([^>]+)>; rel="next"$/u.exec(String(page.headers.link ?? ''))?.[1];
      }
      expect(all).toEqual(numbers);
    }
    socket.close();
  } finally {
    await server.close();
    await upstream.close();
  }
});
