/**
 * A finished turn that is read again and again: the server may keep what it read, and nobody may
 * see what is no longer so, or is not theirs.
 */
import { expect, it } from 'vitest';
import { aProblem } from './shapes.ts';
import { suiteTarget, unique } from './target.ts';
import { hear, scripted, type Heard } from './turns.ts';

const target = suiteTarget();
const tokens = ['Once, ', 'and ', 'again: ', 'é😀\n', 'the same.'];

interface Finished {
  userId: string;
  turnId: string;
  conversationId: string;
  answerId: string;
  /** Reads the turn from its start, as a user. */
  read(): Promise<Heard>;
}

/** A finished turn, which has been read twice: whatever the server keeps of a turn, it keeps. */
async function finishedTurn(): Promise<Finished> {
  const { model } = await scripted(target, { tokens });
  const userId = unique('user');
  const json = { user_id: userId, message: 'Hi', model, title: 'Before' };
  const { started } = await hear(await target.stream('/conversations', { json }));
  const path = `/turns/${started.turn_id}/events?user_id=${userId}`;
  const read = async () => hear(await target.stream(path));
  await read();
  await read();
  return {
    userId,
    turnId: started.turn_id,
    conversationId: started.conversation_id,
    answerId: started.assistant_message.id,
    read,
  };
}

it('each replay is the stored turn', async () => {
  const { turnId, read } = await finishedTurn();
  const { json } = await target.call<{ message: unknown }>(`/turns/${turnId}`);
  for (let time = 0; time < 3; time++) {
    const { text, end } = await read();
    expect(text).toBe(tokens.join(''));
    expect(end.message).toEqual(json.message);
  }
});

it('a replay has the title that the conversation has now', async () => {
  const { conversationId, read } = await finishedTurn();
  const path = `/conversations/${conversationId}`;
  await target.call(path, { method: 'PATCH', json: { title: 'After' } });
  expect((await read()).started.title).toBe('After');
});

it('a replay counts the answers that were given beside it since', async () => {
  const { answerId, turnId, read } = await finishedTurn();
  expect((await read()).end.message).toMatchObject({ siblings: { index: 1, count: 1 } });
  await target.call(`/messages/${answerId}/regenerate`, { method: 'POST', json: {} });
  const { end } = await read();
  expect(end.message).toMatchObject({ siblings: { index: 1, count: 2 } });
  const { json } = await target.call<{ message: unknown }>(`/turns/${turnId}`);
  expect(end.message).toEqual(json.message);
});

it('nobody else is served a turn that was just replayed to its owner', async () => {
  const { turnId } = await finishedTurn();
  const answer = await target.call(`/turns/${turnId}/events?user_id=${unique('stranger')}`);
  expect(answer).toMatchObject({ status: 404, json: aProblem(404, 'not_found') });
});

it.each<[string, (turn: Finished) => string]>([
  ['message', ({ answerId }) => `/messages/${answerId}`],
  ['conversation', ({ conversationId }) => `/conversations/${conversationId}`],
])('a turn is gone as soon as its %s is deleted', async (_, pathOf) => {
  const turn = await finishedTurn();
  const deleted = await target.call(pathOf(turn), { method: 'DELETE' });
  expect(deleted.status).toBe(200);
  const answer = await target.call(`/turns/${turn.turnId}/events?user_id=${turn.userId}`);
  expect(answer).toMatchObject({ status: 404, json: aProblem(404, 'not_found') });
});
