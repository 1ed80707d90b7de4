import { expect, it } from 'vitest';
import { createApp } from '../../../src/app.ts';
import { parseConfig } from '../../../src/config.ts';
import type { TurnService } from '../../../src/turns/turn-service.ts';
import type { Dependencies } from '../../../src/routes/shared/dependencies.ts';
import { noLog } from '../../support/log.ts';

it('a failed whole answer names its turn', async () => {
  const gone = new Error('the object has gone');
  const run = { turnId: 'a-turn', conversationId: 'a-conversation' };
  const turns: Partial<TurnService> = {
    run: () => Promise.resolve({ ...run, finished: () => Promise.reject(gone) }),
  };
  const reported: unknown[] = [];
  const app = createApp(() => {
    const dependencies: Partial<Dependencies> = {
      config: parseConfig({}),
      turns: turns as TurnService,
      log: { ...noLog, error: (_, fields) => reported.push(fields?.['error']) },
    };
    // Nothing else is asked for on the way to a turn.
    return dependencies as Dependencies;
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
  expect(reported).toEqual([gone]);
});
