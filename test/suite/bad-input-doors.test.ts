/** What is wrong at other people's doors: a 400 that says what, in the form of the door. */
import { describe, expect, it } from 'vitest';
import { say, type Chat, type Door } from '../support/doors/door.ts';
import { DOORS, responsesSocket } from '../support/doors/speaking.ts';
import { asArray, asRecord, asText, parseJson } from '../support/json.ts';
import { suiteTarget, unique } from './target.ts';
import { conversation, scripted } from './turns.ts';

const target = suiteTarget();
const doors = DOORS.filter(({ begins, name }) => begins && !name.includes('socket'));

type Body = Record<string, unknown>;

/** How each door tells of a failure: what it says, after checking the form. */
const FORMS: Readonly<Record<string, (text: string) => string>> = {
  'POST /conversations/{id}/messages': problem,
  'POST /ag-ui': problem,
  'POST /api/chat': (text) => {
    // A page shows it as it is.
    expect(text).toMatch(/^[^{}]+$/u);
    return text;
  },
  'POST /v1/chat/completions': openAi,
  'POST /v1/responses': openAi,
  'POST /v1/messages': (text) => {
    const { type, error } = asRecord(parseJson(text));
    expect([type, asRecord(error)['type']]).toEqual(['error', expect.stringMatching(/_error$/u)]);
    return asText(asRecord(error)['message']);
  },
};

function problem(text: string): string {
  const said = asRecord(parseJson(text));
  expect(said).toMatchObject({ type: expect.stringMatching(/^urn:/u), code: expect.any(String) });
  return JSON.stringify([said['detail'], said['errors']]);
}

function openAi(text: string): string {
  const { error } = asRecord(parseJson(text));
  expect(error).toMatchObject({ type: expect.any(String), code: expect.any(String) });
  return JSON.stringify(error);
}

const MANY = 10_000;
const CALL = { id: 'c1', name: 'get_weather', arguments: '{}' };

/** A history of so many messages that nobody has stored. */
function longHistory(name: string): Body {
  const role = (at: number) => (at % 2 === 0 ? 'user' : 'assistant');
  const all = <T>(make: (at: number) => T) => Array.from({ length: MANY + 1 }, (_, at) => make(at));
  const content = (at: number) => `${role(at)} ${at}`;
  if (name === 'POST /api/chat')
    return {
      messages: all((at) => ({
        ...{ id: `m${at}`, role: role(at) },
        parts: [{ type: 'text', text: content(at) }],
      })),
    };
  if (name === 'POST /v1/responses')
    return { input: all((at) => ({ role: role(at), content: content(at) })) };
  return { messages: all((at) => ({ id: `m${at}`, role: role(at), content: content(at) })) };
}

/** A result for a call that was never made here. */
const STRAY_RESULTS: Readonly<Record<string, Body>> = {
  'POST /conversations/{id}/messages': {
    tool_results: [{ tool_call_id: CALL.id, output: 'x' }],
  },
  'POST /api/chat': {
    messages: [
      {
        ...{ id: 'a1', role: 'assistant' },
        parts: [
          {
            ...{ type: 'dynamic-tool', toolName: CALL.name, toolCallId: CALL.id },
            ...{ state: 'output-available', input: {}, output: 'x' },
          },
        ],
      },
    ],
  },
  'POST /ag-ui': { messages: [{ id: 't1', role: 'tool', toolCallId: CALL.id, content: 'x' }] },
  'POST /v1/chat/completions': {
    messages: [{ role: 'tool', tool_call_id: CALL.id, content: 'x' }],
  },
  'POST /v1/responses': {
    input: [{ type: 'function_call_output', call_id: CALL.id, output: 'x' }],
  },
  'POST /v1/messages': {
    messages: [
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: CALL.id, content: 'x' }] },
    ],
  },
};

/** A parameter that cannot be honoured, by its name. */
const UNHONOURED: Readonly<Record<string, Body>> = {
  'POST /conversations/{id}/messages': { top_p: 0.5 },
  'POST /api/chat': { temperature: 9 },
  'POST /ag-ui': { tools: [{ name: 'has a space', description: 'x' }] },
  'POST /v1/chat/completions': { top_p: 0.5 },
  'POST /v1/responses': { top_p: 0.5 },
  'POST /v1/messages': { top_k: 5 },
};

function withModel(name: string, body: Body, model: string): Body {
  if (name !== 'POST /ag-ui') return { ...body, model };
  return { ...body, forwardedProps: { ...asRecord(body['forwardedProps']), model } };
}

const MISTAKES: readonly {
  what: string;
  /** The field that is named; where the door has another word for it, that. */
  names: (door: string) => string;
  spoil: (door: string, body: Body) => Body;
}[] = [
  {
    what: 'a model that is not on',
    names: () => 'model',
    spoil: (door, body) => withModel(door, body, 'nobody/none'),
  },
  {
    what: 'a parameter that cannot be honoured',
    names: (door) => Object.keys(UNHONOURED[door] ?? {})[0] ?? '',
    spoil: (door, body) => ({ ...body, ...UNHONOURED[door] }),
  },
  {
    what: '10,000 messages that are not stored',
    names: (door) => (door === 'POST /v1/responses' ? 'at most 4000 items' : 'messages'),
    spoil: (door, body) => ({ ...body, ...longHistory(door) }),
  },
  {
    what: 'a result for a call that was never stored',
    names: () => '',
    spoil: (door, body) => ({ ...body, ...STRAY_RESULTS[door] }),
  },
];

async function sound(door: Door) {
  const { model, name: modelName } = await scripted(target, { text: 'Yes.' });
  const chat: Chat = { user: unique('user'), model, name: unique('chat'), said: [] };
  return { chat, modelName, call: door.call(chat, 'Hi') };
}

async function mustHaveNothing(user: string, modelName: string) {
  expect((await target.call(`/conversations?user_id=${user}`)).json).toEqual([]);
  expect(await target.upstream.requests(modelName)).toEqual([]);
}

describe.concurrent.each(doors)('$name refuses', (door) => {
  const form = FORMS[door.name] ?? problem;

  // The history of our own API is what is stored: it takes none.
  const keeps = door.name.startsWith('POST /conversations');
  const mistakes = MISTAKES.filter(({ what }) => !(keeps && what.startsWith('10,000')));

  it.each(mistakes)('$what', async ({ names, spoil }) => {
    const { chat, modelName, call } = await sound(door);
    const json = spoil(door.name, call.body);
    const { status, text } = await target.call(call.path, { json, timeoutMs: 60_000 });
    expect([status, text.slice(0, 500)]).toEqual([400, expect.any(String)]);
    expect(form(text)).toContain(names(door.name));
    await mustHaveNothing(chat.user, modelName);
  });
});

/** Calls that name what belongs to somebody else, with the status that they get. */
describe.concurrent('what belongs to somebody else is not there at', () => {
  it.each<[string, (id: string, turn: string) => { path: string; json: Body }, number]>([
    [
      'POST /v1/chat/completions',
      (conversation_id) => ({
        path: '/v1/chat/completions',
        json: { messages: [{ role: 'user', content: 'Hi' }], metadata: { conversation_id } },
      }),
      404,
    ],
    [
      'POST /v1/responses, after a response',
      (_, turn) => ({
        path: '/v1/responses',
        json: { input: 'Hi', previous_response_id: `resp_${turn}` },
      }),
      400,
    ],
    [
      'POST /v1/responses, in a conversation',
      (id) => ({ path: '/v1/responses', json: { input: 'Hi', conversation: `conv_${id}` } }),
      404,
    ],
  ])('%s', async (_, make, status) => {
    const owner = unique('owner');
    const id = await conversation(target, { user_id: owner });
    const asked = await target.call(`/conversations/${id}/messages`, { json: { message: 'Mine' } });
    const { path, json } = make(id, String(asked.headers['x-turn-id']));
    const user = unique('stranger');
    const refused = await target.call(path, { json: { model: 'offline', user, ...json } });
    expect(refused.status, refused.text).toBe(status);
    openAi(refused.text);
    const { json: messages } = await target.call<object[]>(`/conversations/${id}/messages`);
    expect(messages).toHaveLength(2);
    expect((await target.call(`/conversations?user_id=${user}`)).json).toEqual([]);
  });
});

/** Doors whose clients name the chat: one turn at a time, whichever of them asks. */
const naming = DOORS.filter(({ name }) =>
  /^POST \/(?:conversations|api|ag-ui)|alone$|in a conversation$/u.test(name),
);

describe.concurrent.each(naming)('while a turn runs, another client of $name', (door) => {
  it('is told that the conversation is busy, and stores nothing', async () => {
    const { model } = await scripted(target, { tokens: ['a ', 'b'], delayMs: { between: 2_000 } });
    const user = unique('user');
    const conversationId = await conversation(target, { user_id: user, model });
    const chat: Chat = { user, model, name: unique('chat'), said: [], conversationId };
    const first = await say(target.url, DOORS[0] ?? door, (DOORS[0] ?? door).call(chat, 'One'));
    await first.until(({ text }) => text !== '');
    const { path, body, headers = {} } = door.call({ ...chat, name: unique('chat') }, 'Two');
    const second = await target.call(path, { json: body, headers });
    expect(second.status, second.text).toBe(409);
    expect(second.text).toContain('in progress');
    await first.end();
    const { json } = await target.call(`/conversations/${conversationId}/messages`);
    expect(asArray(json)).toHaveLength(2);
  });
});

it('while a turn runs, every socket is told that the conversation is busy', async () => {
  const fault = { how: 'stall' as const, afterTokens: 1 };
  const { model } = await scripted(target, { tokens: ['a ', 'b'], fault });
  const user = unique('user');
  const conversationId = await conversation(target, { user_id: user, model });
  const chat: Chat = { user, model, name: unique('chat'), said: [], conversationId };
  const [native] = DOORS;
  if (!native) throw new Error('there are no doors');
  const first = await say(target.url, native, native.call(chat, 'One'));
  await first.until(({ text }) => text !== '');
  const ofResponses = responsesSocket.call(chat, 'Two');
  const conversational = { ...ofResponses.body, conversation: `conv_${conversationId}` };
  const sockets = DOORS.filter(({ name }) => name.includes('socket'));
  const frames = [
    ...sockets.map((door) => ({ door, call: door.call({ ...chat, name: 'two' }, 'Two') })),
    { door: responsesSocket, call: { ...ofResponses, body: conversational } },
  ];
  await Promise.all(
    frames.map(async ({ door, call }) => {
      const refused = await say(target.url, door, call);
      const isTold = () => refused.events.some(({ data }) => data.includes('in progress'));
      const { text } = await refused.until(isTold);
      expect([isTold(), text], door.name).toEqual([true, '']);
      refused.leave();
    }),
  );
  await target.call(`/turns/${first.turnId}/cancel`, { method: 'POST' });
  await first.end();
  const { json } = await target.call(`/conversations/${conversationId}/messages`);
  expect(asArray(json)).toHaveLength(2);
});
