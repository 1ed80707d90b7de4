/**
 * One engine behind every door: a turn that is begun at one is followed, stopped, steered, gone on
 * with, read, billed and deleted at each other.
 */
import { describe, expect, it } from 'vitest';
import { DELETERS, FOLLOWERS, READERS, STOPPERS, type Begun } from '../support/doors/handling.ts';
import { say, type Chat, type Door } from '../support/doors/door.ts';
import { BY_HISTORY, DOORS } from '../support/doors/speaking.ts';
import { STEERERS, steerBy } from '../support/doors/steering.ts';
import { mcp } from '../support/doors/mcp.ts';
import { asRecord } from '../support/json.ts';
import type { SentScript } from '../support/upstream/control.ts';
import { suiteTarget, unique } from './target.ts';
import { scripted, storedMessages } from './turns.ts';

const target = suiteTarget();

/** Texts that are awkward on the way; a character is cut in two between tokens. */
const tokens = [
  'Once \uD83D',
  '\uDE00 upon\r',
  '\na\n\n',
  'data: [DONE]\n\n',
  '“time” \u2028',
  '</p>',
];
const answer = tokens.join('');
/** Waits in the middle until the test lets it go on. */
const held = { tokens, holdAt: 1 };
const endless = { tokens: ['on ', 'and '], infinite: true, delayMs: { between: 30 } };
const QUESTION = 'Tell me 😀 a tale';

async function chatWith(script: SentScript): Promise<Chat & { modelName: string }> {
  const { model, name: modelName } = await scripted(target, script);
  return { user: unique('user'), model, modelName, name: unique('chat'), said: [] };
}

/** Begins a turn at a door, which is being listened to there. */
async function begun(door: Door, script: SentScript) {
  const chat = await chatWith(script);
  const listening = await say(target.url, door, door.call(chat, QUESTION));
  const { text } = await listening.until((heard) => heard.text !== '');
  expect(text, JSON.stringify(listening.events)).not.toBe('');
  const { turnId, conversationId } = listening;
  expect([turnId, conversationId]).not.toContain('');
  return { listening, turn: { ...chat, turnId, conversationId } };
}

/** Begins a turn at a door and hears it out there. */
async function finished(door: Door, script: SentScript = { tokens }) {
  const { listening, turn } = await begun(door, script);
  const heard = await listening.end();
  expect(heard).toMatchObject({ text: answer, ending: 'whole', isOver: true, isReset: false });
  return turn;
}

/** Goes on with a turn at another door, whose client has read what was said. */
async function goOn(door: Door, turn: Begun) {
  const said = (await storedIn(turn)).map(({ id, role, content }) => ({
    id,
    role: role === 'user' ? ('user' as const) : ('assistant' as const),
    content,
  }));
  const listening = await say(target.url, door, door.call({ ...turn, said }, 'And then?'));
  expect(await listening.end()).toMatchObject({ text: answer, ending: 'whole', isOver: true });
  return listening;
}

async function storedIn({ conversationId }: Begun) {
  return storedMessages(target, conversationId);
}

/** What every bill must say: a turn for each answer, with the tokens that the service counted. */
async function mustBeBilled({ user, modelName }: Begun & { modelName: string }, turns: number) {
  const asked = await target.upstream.requests(modelName);
  const sum = (field: 'input' | 'output') =>
    asked.reduce((all, { usage }) => all + Number(usage?.[field] ?? 0), 0);
  const { json } = await target.call<{ total: object }>(`/usage?user_id=${user}`);
  expect(asked).toHaveLength(turns);
  expect(json.total).toMatchObject({
    turns,
    calls: turns,
    input_tokens: sum('input'),
    output_tokens: sum('output'),
    estimated: false,
  });
}

const begins = DOORS.filter((door) => door.begins);

describe.concurrent.each(begins)('a turn that is begun by $name', (door) => {
  it('is followed at every other door to the same text, and counted once', async () => {
    const { listening, turn } = await begun(door, held);
    const following = await Promise.all(
      FOLLOWERS.map(async ({ follow, ...follower }) => {
        const other = await follow(target.url, turn);
        await other.until(({ text }) => text !== '');
        return { ...follower, other };
      }),
    );
    await target.upstream.release(turn.modelName);
    const others = await Promise.all(
      following.map(async ({ name, other, changesBreaks }) => {
        const { text, ...heard } = await other.end();
        const wanted = changesBreaks ? answer.replace(/\r\n?/gu, '\n') : answer;
        expect(text, name).toBe(wanted);
        expect(heard, name).toMatchObject({ ending: 'whole', isOver: true, isReset: false });
        return name;
      }),
    );
    expect(others).toHaveLength(FOLLOWERS.length);
    expect(await listening.end()).toMatchObject({ text: answer, ending: 'whole', isReset: false });
    const texts = (await storedIn(turn)).map(({ content }) => content);
    expect(texts).toEqual([QUESTION, answer]);
    await mustBeBilled(turn, 1);
  });

  it('is read at every other door', async () => {
    const turn = await finished(door);
    for (const { name, method, path, texts, isAnswerAlone } of READERS) {
      const { status, text } = await target.call(path(turn), { method });
      const wanted = isAnswerAlone ? [answer] : [QUESTION, answer];
      expect([status, texts(text)], name).toEqual([200, wanted]);
    }
    for (const path of ['/conversations', '/chats', '/chat/conversations']) {
      const listed = await target.call<object[]>(`${path}?user_id=${turn.user}`);
      expect(listed.json, path).toMatchObject([{ message_count: 2 }]);
    }
  });

  it.each(STOPPERS)('is stopped by $name', async ({ method, path }) => {
    const { listening, turn } = await begun(door, endless);
    const { status } = await target.call(path(turn), { method });
    expect(status).toBe(200);
    const heard = await listening.end();
    expect(heard).toMatchObject({ ending: 'stopped', isOver: true, isReset: false });
    const [, stored] = await storedIn(turn);
    expect(stored).toMatchObject({ status: 'cancelled', content: heard.text });
    const { json } = await target.call<{ total: object }>(`/usage?user_id=${turn.user}`);
    expect(json.total).toMatchObject({ turns: 1, calls: 1 });
  });

  it.each(STEERERS)('is steered by $name', async (other) => {
    const { listening, turn } = await begun(door, held);
    const [question, running] = await storedIn(turn);
    const said = [
      { id: question?.id ?? '', role: 'user' as const, content: QUESTION },
      { id: running?.id ?? '', role: 'assistant' as const, content: '' },
    ];
    const call = other.call({ ...turn, said }, 'In German, please');
    const steered = await steerBy(target.url, other, call);
    await target.upstream.release(turn.modelName);
    expect(await listening.end()).toMatchObject({ text: answer, ending: 'whole' });
    expect(await steered.end()).toMatchObject({ text: answer, ending: 'whole' });
    // The model has no further step: the message is answered right after.
    expect((await storedIn(turn)).map(({ content }) => content)).toEqual([
      QUESTION,
      answer,
      'In German, please',
      answer,
    ]);
    await mustBeBilled(turn, 2);
  });

  const isFound = (other: Door) => door.keepsHistories ?? !BY_HISTORY.includes(other);

  it.each([...DOORS.filter(isFound), mcp])('goes on by $name', async (other) => {
    const turn = await finished(door);
    const listening = await goOn(other, turn);
    expect(listening.conversationId).toBe(turn.conversationId);
    expect((await storedIn(turn)).map(({ content }) => content)).toEqual([
      QUESTION,
      answer,
      'And then?',
      answer,
    ]);
    const [, second] = await target.upstream.requests(turn.modelName);
    const sent = asRecord(second?.body)['messages'];
    expect(sent).toHaveLength(3);
    await mustBeBilled(turn, 2);
  });

  // No hash tells of a history that was never sent, and a doubtful place is none.
  it.each(DOORS.filter((other) => !isFound(other)))(
    'goes on by $name in a conversation of its own, with all that was said',
    async (other) => {
      const turn = await finished(door);
      const { conversationId } = await goOn(other, turn);
      expect(conversationId).not.toBe(turn.conversationId);
      const texts = (await storedIn({ ...turn, conversationId })).map(({ content }) => content);
      expect(texts).toEqual([QUESTION, answer, 'And then?', answer]);
      await mustBeBilled(turn, 2);
    },
  );

  it('is deleted while it runs, and its bill stays', async () => {
    const { listening, turn } = await begun(door, endless);
    const { conversationId, modelName, user } = turn;
    const path = `/conversations/${conversationId}`;
    expect((await target.call(path, { method: 'DELETE' })).status).toBe(200);
    const heard = await listening.end();
    expect([heard.isOver, heard.isReset, heard.ending]).toEqual([true, false, 'stopped']);
    expect((await target.call(path)).status).toBe(404);
    expect(await target.upstream.requests(modelName)).toHaveLength(1);
    const { json } = await target.call<{ total: object }>(`/usage?user_id=${user}`);
    expect(json.total).toMatchObject({ turns: 1, calls: 1, estimated: true });
  });

  it.each(DELETERS)('is deleted by $name, and its bill stays', async ({ method, path }) => {
    const turn = await finished(door);
    const deleted = await target.call(path(turn), { method });
    expect(deleted.status, deleted.text).toBe(200);
    for (const { name, path: reading } of READERS) {
      expect((await target.call(reading(turn))).status, name).toBe(404);
    }
    expect((await target.call(`/conversations?user_id=${turn.user}`)).json).toEqual([]);
    await mustBeBilled(turn, 1);
  });
});
