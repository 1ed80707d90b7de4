/**
 * A turn that a client of MCP has asked for is followed, stopped, steered, read, billed and deleted
 * at every other door; `doors-cross.test.ts` has the other doors, and MCP goes on after each.
 */
import { describe, expect, it } from 'vitest';
import { DELETERS, FOLLOWERS, READERS, STOPPERS } from '../support/doors/handling.ts';
import { callTool, mcp } from '../support/doors/mcp.ts';
import { say } from '../support/doors/door.ts';
import { STEERERS, steerBy } from '../support/doors/steering.ts';
import { asArray, asRecord } from '../support/json.ts';
import type { SentScript } from '../support/upstream/control.ts';
import { suiteTarget, unique } from './target.ts';
import { scripted, storedMessages } from './turns.ts';

const target = suiteTarget();
const held = { tokens: ['It ', 'is ', 'red.'], holdAt: 1 };
const WHOLE = { text: 'It is red.', ending: 'whole', isOver: true, isReset: false };

/** Asks, and waits until the model answers. */
async function asking(script: SentScript = held) {
  const { model, name } = await scripted(target, script);
  const chat = { user: unique('user'), model, name: unique('chat'), said: [] };
  const listening = await say(target.url, mcp, mcp.call(chat, 'Which colour?'));
  await target.upstream.waitForRequest(name);
  const { turnId, conversationId } = listening;
  const release = () => target.upstream.release(name);
  return { listening, release, turn: { ...chat, turnId, conversationId } };
}

const contents = async (conversationId: string) =>
  (await storedMessages(target, conversationId)).map(({ content }) => content);

describe.concurrent('a turn that MCP asks for', () => {
  it('is followed and read at every other door, counted once, and listed by MCP', async () => {
    const { listening, release, turn } = await asking();
    const following = await Promise.all(
      FOLLOWERS.map(async ({ follow }) => {
        const other = await follow(target.url, turn);
        await other.until(({ text }) => text !== '');
        return other;
      }),
    );
    await release();
    for (const [at, other] of following.entries())
      expect(await other.end(), FOLLOWERS[at]?.name).toMatchObject(WHOLE);
    expect(await listening.end()).toMatchObject(WHOLE);
    for (const { name, method, path, texts, isAnswerAlone } of READERS) {
      const { status, text } = await target.call(path(turn), { method });
      const wanted = isAnswerAlone ? ['It is red.'] : ['Which colour?', 'It is red.'];
      expect([status, texts(text)], name).toEqual([200, wanted]);
    }
    const { path, body, headers } = callTool(turn.user, 'list_conversations', {});
    const listed = await target.call<{ result: object }>(path, { json: body, headers });
    const told = asRecord(asRecord(listed.json.result)['structuredContent']);
    expect(asArray(told['conversations'])).toMatchObject([{ message_count: 2 }]);
    const { json } = await target.call<{ total: object }>(`/usage?user_id=${turn.user}`);
    expect(json.total).toMatchObject({ turns: 1, calls: 1 });
  });

  it.each(STOPPERS)('is stopped by $name', async ({ method, path }) => {
    const { listening, turn } = await asking();
    expect((await target.call(path(turn), { method })).status).toBe(200);
    expect(await listening.end()).toMatchObject({ ending: 'stopped', isOver: true });
    const [, stored] = await storedMessages(target, turn.conversationId);
    expect(stored).toMatchObject({ status: 'cancelled' });
  });

  it.each(STEERERS)('is steered by $name', async (other) => {
    const { listening, release, turn } = await asking();
    const [question, running] = await storedMessages(target, turn.conversationId);
    const said = [
      { id: question?.id ?? '', role: 'user' as const, content: 'Which colour?' },
      { id: running?.id ?? '', role: 'assistant' as const, content: '' },
    ];
    const call = other.call({ ...turn, said }, 'In German, please');
    const steered = await steerBy(target.url, other, call);
    await release();
    expect(await listening.end()).toMatchObject(WHOLE);
    expect(await steered.end()).toMatchObject({ text: 'It is red.', ending: 'whole' });
    const texts = ['Which colour?', 'It is red.', 'In German, please', 'It is red.'];
    expect(await contents(turn.conversationId)).toEqual(texts);
  });

  it.each(DELETERS)('is deleted by $name', async ({ method, path }) => {
    const { listening, release, turn } = await asking();
    await release();
    await listening.end();
    expect((await target.call(path(turn), { method })).status).toBe(200);
    const read = callTool(turn.user, 'read_conversation', {
      conversation_id: turn.conversationId,
    });
    const { json } = await target.call<{ result: object }>(read.path, {
      json: read.body,
      headers: read.headers,
    });
    expect(json.result).toMatchObject({ isError: true });
  });
});
