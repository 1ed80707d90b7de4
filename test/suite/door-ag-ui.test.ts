/** AG-UI, by the protocol's own client. */
import { HttpAgent, type BaseEvent, type Message } from '@ag-ui/client';
import { describe, expect, it } from 'vitest';
import type { SentScript } from '../support/upstream/control.ts';
import { aProblem } from './shapes.ts';
import { suiteTarget, unique } from './target.ts';
import { scripted, sentMessages, storedMessages } from './turns.ts';

const target = suiteTarget();

interface Options {
  user?: string;
  messages?: Message[];
  threadId?: string;
}

/** A client of a thread, and what it has received. */
function agentOf({ user = unique('user'), messages = [], threadId = unique('thread') }: Options) {
  const agent = new HttpAgent({
    url: `${target.url}/ag-ui`,
    threadId,
    initialMessages: messages,
    headers: { 'x-user-id': user },
  });
  const events: BaseEvent[] = [];
  agent.subscribe({ onEvent: ({ event }) => void events.push(event) });
  const say = (text: string) => agent.addMessage({ id: unique('m'), role: 'user', content: text });
  return { agent, events, say, user };
}

async function modelOf(script: SentScript) {
  const { model, name } = await scripted(target, script);
  return { name, forwardedProps: { model }, goOn: () => target.upstream.release(name) };
}

const TOOL = {
  name: 'get_weather',
  description: 'Tells the weather of a city',
  parameters: { type: 'object', properties: { city: { type: 'string' } } },
};

async function conversationOf(user: string): Promise<string> {
  const { json } = await target.call<{ conversation_id: string }[]>(
    `/conversations?user_id=${user}`,
  );
  expect(json).toHaveLength(1);
  return json[0]?.conversation_id ?? '';
}

describe('an agent of AG-UI', () => {
  it('answers a message, and the next one with what was said before', async () => {
    const { agent, say, events, user } = agentOf({});
    const { forwardedProps, name } = await modelOf({
      reasoning: ['Let me ', 'think.'],
      tokens: ['Hello ', 'there'],
    });
    say('hi');
    await agent.runAgent({ forwardedProps });
    expect(agent.messages.map(({ role }) => role)).toEqual(['user', 'reasoning', 'assistant']);
    expect(agent.messages.at(-1)?.content).toBe('Hello there');
    expect(events.at(-1)).toMatchObject({
      type: 'RUN_FINISHED',
      outcome: { type: 'success' },
      usage: [{ inputTokens: expect.any(Number) }],
    });
    say('and again');
    await agent.runAgent({ forwardedProps });
    const [, second] = await target.upstream.requests(name);
    expect(sentMessages(second?.body).map(({ content }) => content)).toEqual(
      expect.arrayContaining(['hi', 'Hello there', 'and again']),
    );
    const stored = await storedMessages(target, await conversationOf(user));
    expect(stored.map(({ content }) => content)).toEqual([
      'hi',
      'Hello there',
      'and again',
      'Hello there',
    ]);
  });

  it('makes a branch of a shortened history', async () => {
    const { agent, say, user } = agentOf({});
    const { forwardedProps } = await modelOf({ tokens: ['yes'] });
    say('one');
    await agent.runAgent({ forwardedProps });
    say('two');
    await agent.runAgent({ forwardedProps });
    agent.setMessages(agent.messages.slice(0, 2));
    say('three');
    await agent.runAgent({ forwardedProps });
    const stored = await storedMessages(target, await conversationOf(user));
    expect(stored.map(({ content }) => content)).toEqual(['one', 'yes', 'three', 'yes']);
    expect(stored[2]?.siblings).toEqual({ index: 2, count: 2 });
  });

  it('runs the tools of its client, whose results continue the answer', async () => {
    const { agent, say, events } = agentOf({});
    const call = { name: TOOL.name, input: { city: 'Rome' } };
    const { forwardedProps, name } = await modelOf([
      { tokens: ['Let me see. '], toolCalls: [[call]] },
      { tokens: ['It is sunny.'] },
    ]);
    say('How is the weather?');
    await agent.runAgent({ forwardedProps, tools: [TOOL] });
    const asked = agent.messages.at(-1);
    const toolCall = asked?.role === 'assistant' ? asked.toolCalls?.[0] : undefined;
    expect(toolCall?.function).toEqual({ name: TOOL.name, arguments: '{"city":"Rome"}' });
    expect(events.at(-1)).toMatchObject({
      outcome: { type: 'success', pendingToolCallIds: [toolCall?.id] },
    });
    agent.addMessage({
      id: unique('m'),
      role: 'tool',
      toolCallId: toolCall?.id ?? '',
      content: 'sunny',
    });
    await agent.runAgent({ forwardedProps, tools: [TOOL] });
    expect(agent.messages.at(-1)).toMatchObject({ role: 'assistant', content: 'It is sunny.' });
    const [, second] = await target.upstream.requests(name);
    expect(JSON.stringify(second?.body)).toContain('sunny');
  });

  it('sends what is only for one run as instructions', async () => {
    const { agent, say } = agentOf({});
    const { forwardedProps, name } = await modelOf({ tokens: ['yes'] });
    say('hi');
    const context = [{ description: 'The open page', value: 'invoices of May' }];
    await agent.runAgent({ forwardedProps, context });
    const [sent] = await target.upstream.requests(name);
    expect(sentMessages(sent?.body)[0]?.content).toContain('The open page: invoices of May');
  });

  it('adds them, and what its system messages say, to those of the conversation', async () => {
    const { agent, say } = agentOf({});
    const { forwardedProps, name } = await modelOf({ tokens: ['yes'] });
    agent.addMessage({ id: unique('m'), role: 'system', content: 'Answer in rhymes' });
    say('hi');
    const context = [{ description: 'The open page', value: 'invoices of May' }];
    const begun = { ...forwardedProps, instructions: 'Be brief' };
    await agent.runAgent({ forwardedProps: begun, context });
    say('and again');
    await agent.runAgent({ forwardedProps, context });
    for (const { body } of await target.upstream.requests(name)) {
      const [system, ...others] = sentMessages(body);
      expect(system?.content).toBe(
        'Be brief\n\nAnswer in rhymes\n\nThe open page: invoices of May',
      );
      expect(others.map(({ role }) => role)).not.toContain('system');
    }
  });

  it('is told when the model fails', async () => {
    const { agent, say, events } = agentOf({});
    const { forwardedProps } = await modelOf({
      tokens: ['Half ', 'of it'],
      fault: { how: 'reset', afterTokens: 1 },
    });
    say('hi');
    await agent.runAgent({ forwardedProps }).catch(() => undefined);
    expect(events.at(-1)).toMatchObject({ type: 'RUN_ERROR', code: 'model_unavailable' });
  });
});

describe('a run', () => {
  const post = async (more: object, headers: Record<string, string> = {}) => {
    const { forwardedProps, goOn } = await modelOf({
      tokens: ['One ', 'two ', 'three ', 'four'],
      holdAt: 2,
    });
    const json = {
      threadId: unique('thread'),
      runId: unique('run'),
      messages: [{ id: unique('m'), role: 'user', content: 'hi' }],
      forwardedProps: { ...forwardedProps, user_id: unique('user') },
      ...more,
    };
    const again = (others: Record<string, string> = {}) =>
      target.stream('/ag-ui', { method: 'POST', json, headers: { ...headers, ...others } });
    return { json, again, goOn };
  };

  const deltas = (data: string[]) =>
    data
      .map((text) => JSON.parse(text) as { type: string; delta?: string })
      .filter(({ type }) => type === 'TEXT_MESSAGE_CHUNK')
      .map(({ delta = '' }) => delta)
      .join('');

  it('goes on after the cursor of a client that comes back, and is one turn', async () => {
    const { again, goOn } = await post({});
    const first = await again();
    let cursor = '';
    let text = '';
    for await (const { id, data } of first) {
      cursor = id;
      text += deltas([data]);
      if (text.includes('two')) break;
    }
    first.close();
    const rest = await again({ 'last-event-id': cursor });
    await goOn();
    const { events } = await rest.collect();
    expect(text + deltas(events.map(({ data }) => data))).toBe('One two three four');
    expect(rest.headers['x-turn-id']).toBe(first.headers['x-turn-id']);
    const nothing = await again({ 'last-event-id': events.at(-1)?.id ?? '' });
    expect(nothing.status).toBe(204);
  });

  it('a run that is posted again joins the first', async () => {
    const { again, goOn } = await post({});
    const one = await again();
    const two = await again();
    await goOn();
    expect(two.headers['x-turn-id']).toBe(one.headers['x-turn-id']);
    const heard = await Promise.all([one.collect(), two.collect()]);
    for (const { events } of heard)
      expect(deltas(events.map(({ data }) => data))).toBe('One two three four');
  });

  it.each([
    ['no message', { messages: [] }],
    ['an answer at the end', { messages: [{ id: 'a', role: 'assistant', content: 'x' }] }],
    [
      'a result for a call that nobody made',
      {
        messages: [{ id: 't', role: 'tool', toolCallId: 'none', content: 'x' }],
      },
    ],
    [
      'an approval that nobody asked for',
      {
        messages: [{ id: 'a', role: 'assistant', content: 'x' }],
        resume: [{ interruptId: 'none', status: 'resolved' }],
      },
    ],
    [
      'a part that is no text',
      {
        messages: [{ id: 'u', role: 'user', content: [{ type: 'image' }] }],
      },
    ],
    ['a tool without a name', { tools: [{ name: '', description: '' }] }],
  ])('a run with %s is refused', async (_, more) => {
    const { json } = await post(more);
    const refused = await target.call('/ag-ui', { json });
    expect(refused.json).toMatchObject(aProblem(400, 'invalid_request'));
    const { user_id: user } = json.forwardedProps;
    const { json: made } = await target.call<unknown[]>(`/conversations?user_id=${user}`);
    expect(made).toEqual([]);
  });

  it('a run with a cursor of nobody is refused, and starts nothing', async () => {
    const { json } = await post({});
    const headers = { 'last-event-id': 'Xk9f2.1a' };
    const refused = await target.call('/ag-ui', { json, headers });
    expect(refused.json).toMatchObject(aProblem(400, 'invalid_cursor'));
  });
});
