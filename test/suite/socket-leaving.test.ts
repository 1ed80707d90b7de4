/** What a client's leaving means on a socket, and what a socket does not take. */
import { request as httpRequest } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { suiteTarget, unique } from './target.ts';

const target = suiteTarget();

interface Transcript {
  messages: { role: string; content: string; status: string }[];
}

const transcript = async (id: string) =>
  (await target.call<Transcript>(`/conversations/${id}`)).json.messages;

/** A conversation in which a long answer runs, and the socket that asked for it. */
async function longTurn(extra: Record<string, unknown> = {}) {
  const model = unique('model');
  const tokens = Array.from({ length: 40 }, (_, index) => `word${index} `);
  await target.upstream.script(model, { tokens, delayMs: { between: 100 } });
  const user = unique('user');
  const socket = await target.socket(`/ws/${user}`);
  socket.send({ message: 'Go on', model: `openai/${model}`, ...extra });
  const chunk = await socket.next('chunk');
  return { user, socket, conversation: String(chunk['conversation_id']) };
}

async function untilAnswerIs(status: string, conversation: string, timeout: number) {
  await expect
    .poll(async () => (await transcript(conversation))[1]?.status, { timeout, interval: 100 })
    .toBe(status);
}

describe('a client that leaves', () => {
  test('changes nothing', async () => {
    const { socket, conversation } = await longTurn();
    socket.terminate();
    await untilAnswerIs('complete', conversation, 15_000);
  });

  test('cancels its turn when it asked for on_disconnect cancel', async () => {
    const { socket, conversation } = await longTurn({ on_disconnect: 'cancel' });
    socket.terminate();
    await untilAnswerIs('cancelled', conversation, 5_000);
  });

  test('leaves the queue', async () => {
    const { user, socket, conversation } = await longTurn();
    const waiting = await target.socket(`/ws/${user}`);
    waiting.send({
      message: 'Too late',
      conversation_id: conversation,
      on_busy: 'queue',
      model: 'offline',
    });
    await sleep(300);
    waiting.terminate();
    await socket.next('message_complete', 15_000);
    await sleep(700);
    expect((await transcript(conversation)).map(({ content }) => content)).not.toContain(
      'Too late',
    );
    socket.close();
  });
});

test('a frame for another user finds nothing', async () => {
  const socket = await target.socket(`/ws/${unique('user')}`);
  socket.send({ message: 'Hello', user_id: 'stranger' });
  expect(await socket.next('error')).toMatchObject({ problem: { code: 'not_found' } });
  socket.close();
});

test('an offer of another protocol is ignored', async () => {
  const status = await new Promise((resolve, reject) => {
    const headers = {
      connection: 'Upgrade, HTTP2-Settings',
      upgrade: 'h2c',
      'http2-settings': 'AAMAAABkAAQAoAAAAAIAAAAA',
    };
    const asked = httpRequest(`${target.url}/health`, { headers, timeout: 5_000 }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer')));
    asked.on('error', reject);
    asked.end();
  });
  expect(status).toBe(200);
});

test('a handshake that fails leaves nobody online', async () => {
  const user = unique('user');
  const status = await new Promise((resolve, reject) => {
    const headers = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'short',
    };
    const asked = httpRequest(`${target.url}/ws/${user}`, { headers, timeout: 5_000 }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    asked.on('upgrade', (_, socket) => {
      socket.destroy();
      resolve(101);
    });
    asked.on('error', reject);
    asked.end();
  });
  expect([101, 400]).toContain(status);
  await expect
    .poll(
      async () =>
        (await target.call<{ active_connections: number }>(`/ws/users/${user}/status`)).json
          .active_connections,
      { timeout: 5_000 },
    )
    .toBe(0);
});
