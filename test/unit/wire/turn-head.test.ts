import { expect, it } from 'vitest';
import { createApp } from '../../../src/app.ts';
import { parseConfig } from '../../../src/config.ts';
import type { Dependencies } from '../../../src/routes/shared/dependencies.ts';

it('names the turn whose answer could not be had', async () => {
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.error(new Error('the room has gone')),
  });
  const reported: unknown[] = [];
  const app = createApp(() => {
    const services: Partial<Dependencies> = {
      config: parseConfig({}),
      rooms: {
        start: () => Promise.resolve({ turnId: 'a-turn', conversationId: 'a-conversation', body }),
        follow: () => Promise.resolve(undefined),
        cancel: () => Promise.resolve(),
        close: () => Promise.resolve(),
      },
      report: (_, error) => reported.push(error),
    };
    // Nothing else is asked for on the way to a turn.
    return services as Dependencies;
  });
  const answer = await app.request('/conversations/a-conversation/messages', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message: 'Are you there?' }),
  });
  expect(answer.status).toBe(500);
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    'content-type': 'application/problem+json',
    'x-turn-id': 'a-turn',
    'x-conversation-id': 'a-conversation',
  });
  expect(reported).toEqual([new Error('the room has gone')]);
});
