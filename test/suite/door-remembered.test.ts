/**
 * Histories whose last answer a server remembers: their next message costs no look-up, and belongs
 * where a look-up would find its place, whatever has become of the conversation meanwhile.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { request } from '../support/http.ts';
import { asRecord } from '../support/json.ts';
import { OwnServers } from '../support/own-servers.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { startTenantDatabases } from '../support/tenant-databases.ts';
import { bearer, JWT_SECRET, signToken } from './identity.ts';
import { slow, startCountedServer, type CountedServer } from './counted-server.ts';
import { openAiClient } from './openai-client.ts';
import { suiteTarget, unique } from './target.ts';
import { sentMessages, type MessageJson } from './turns.ts';

const { runtime } = suiteTarget();
let counting: CountedServer;
/** Another process on the same database, which remembers nothing of what the first answers. */
let other: TestServer;

beforeAll(async () => {
  counting = await startCountedServer(runtime);
  other = await startServer({ runtime, env: counting.uncounted, startLimitMs: 120_000 });
}, 150_000);

afterAll(async () => {
  await other.close();
  await counting.close();
});

type Said = OpenAI.ChatCompletionMessageParam;

const user = (content: string): Said => ({ role: 'user', content });
const assistant = (content: string): Said => ({ role: 'assistant', content });

/** A client that keeps its history, and whose model answers in these words. */
class Client {
  readonly said: Said[] = [];
  readonly user: string;

  constructor(name = unique('user')) {
    this.user = name;
  }

  /** Asks something after the history, and returns the number of requests before the model. */
  async ask(question: string, { at = counting.server, answer = `to ${question}` } = {}) {
    this.said.push(user(question));
    const asked = await complete(at, this.user, this.said, answer);
    this.said.push(asked.message);
    return asked.before;
  }

  /** The conversations of the user, with the texts of all messages in each, by their parents. */
  async trees(): Promise<string[][]> {
    const { url } = counting.server;
    const { json } = await request<{ id: string }[]>(`${url}/conversations?user_id=${this.user}`);
    const all = await Promise.all(json.map(({ id }) => treeOf(id)));
    return all.map((messages) =>
      messages.map(({ parent_id, content }) => {
        const parent = messages.find(({ id }) => id === parent_id);
        return `${parent?.content ?? ''} > ${content}`;
      }),
    );
  }

  async only(): Promise<string> {
    const { url } = counting.server;
    const { json } = await request<{ id: string }[]>(`${url}/conversations?user_id=${this.user}`);
    expect(json).toHaveLength(1);
    return json[0]?.id ?? '';
  }
}

async function complete({ url }: TestServer, name: string, messages: Said[], answer: string) {
  const model = counting.script({ ...slow, tokens: [answer] });
  counting.database.reset();
  const { choices } = await openAiClient({ url }, name).chat.completions.create({
    model,
    messages,
  });
  const content = choices[0]?.message.content ?? '';
  expect(content).toBe(answer);
  const { before } = counting.counted(model);
  return { message: assistant(content), before };
}

async function treeOf(id: string): Promise<MessageJson[]> {
  const { url } = counting.server;
  return (await request<MessageJson[]>(`${url}/conversations/${id}/messages?tree=true`)).json;
}

const native = (path: string, init: Parameters<typeof request>[1]) =>
  request(counting.server.url + path, init);

describe('a history whose answers are remembered', () => {
  it('costs no look-up, however long it is and whoever trims it', async () => {
    const client = new Client();
    expect(await client.ask('one')).toBe(1);
    expect(await client.ask('two')).toBe(1);
    client.said.splice(-1, 1, assistant('  to two\n'));
    expect(await client.ask('three')).toBe(1);
    expect(await client.trees()).toEqual([
      [
        ' > one',
        'one > to one',
        'to one > two',
        'two > to two',
        'to two > three',
        'three > to three',
      ],
    ]);
  });

  it('costs none with results of tools, and none by the full input of responses', async () => {
    const { url } = counting.server;
    const client = openAiClient({ url }, unique('user'));
    const calls = counting.script({
      ...slow,
      tokens: [],
      toolCalls: [[{ name: 'add', input: { a: 1 } }]],
    });
    const tools: OpenAI.ChatCompletionTool[] = [
      { type: 'function', function: { name: 'add', parameters: { type: 'object' } } },
    ];
    const question = user('Add');
    const called = await client.chat.completions.create({
      ...{ model: calls, tools, messages: [question] },
    });
    const [call] = called.choices[0]?.message.tool_calls ?? [];
    const result: Said = { role: 'tool', tool_call_id: call?.id ?? '', content: '2' };
    const message = called.choices[0]?.message;
    if (!message) throw new Error('no message');
    const model = counting.script(slow);
    counting.database.reset();
    await client.chat.completions.create({ model, tools, messages: [question, message, result] });
    expect(counting.counted(model).before).toBe(1);

    const first = counting.script(slow);
    const said: OpenAI.Responses.EasyInputMessage[] = [{ role: 'user', content: 'one' }];
    const { output_text } = await client.responses.create({ model: first, input: said });
    said.push({ role: 'assistant', content: output_text }, { role: 'user', content: 'two' });
    const second = counting.script(slow);
    counting.database.reset();
    await client.responses.create({ model: second, input: said });
    expect(counting.counted(second).before).toBe(1);
  });

  it('is asked again as before: another answer beside the first', async () => {
    const client = new Client();
    await client.ask('one');
    await client.ask('two', { answer: 'first' });
    client.said.splice(-2);
    await client.ask('two', { answer: 'second' });
    // What follows the second answer is remembered, too.
    expect(await client.ask('three')).toBe(1);
    expect(await client.trees()).toEqual([
      [
        ...[' > one', 'one > to one', 'to one > two', 'two > first', 'two > second'],
        ...['second > three', 'three > to three'],
      ],
    ]);
  });

  it('gets one answer to each of two equal questions at once, and no question twice', async () => {
    const client = new Client();
    await client.ask('one');
    const messages = [...client.said, user('two')];
    const model = counting.script(slow);
    const { url } = counting.server;
    const ask = () =>
      openAiClient({ url }, client.user).chat.completions.create({ model, messages });
    await Promise.all([ask(), ask()]);
    const all = (await client.trees()).map((tree) =>
      tree.filter((message) => message === 'to one > two'),
    );
    // The second found its place taken, and has a conversation of its own.
    expect(all).toEqual([['to one > two'], ['to one > two']]);
  });
});

describe('what is remembered and no longer so', () => {
  it('an answer that was deleted: the history begins a conversation of its own', async () => {
    const client = new Client();
    await client.ask('one');
    await client.ask('two');
    const id = await client.only();
    const last = (await treeOf(id)).at(-1);
    const deleted = await native(`/messages/${last?.id}`, { method: 'DELETE' });
    expect(deleted.status).toBeLessThan(300);
    expect(await client.ask('three')).toBeGreaterThan(1);
    const trees = await client.trees();
    expect(trees.map((tree) => tree.length)).toEqual([6, 3]);
    expect(trees[1]).not.toContain('to two > three');
  });

  it('a conversation that was deleted', async () => {
    const client = new Client();
    await client.ask('one');
    await native(`/conversations/${await client.only()}`, { method: 'DELETE' });
    await client.ask('two');
    expect(await client.trees()).toEqual([
      [' > one', 'one > to one', 'to one > two', 'two > to two'],
    ]);
  });

  it('the data of a user that was deleted', async () => {
    const client = new Client();
    await client.ask('one');
    await native(`/users/${client.user}/data`, { method: 'DELETE' });
    await client.ask('two');
    expect((await client.trees()).map((tree) => tree.length)).toEqual([4]);
  });

  it('a question that another process has answered since: it is answered again', async () => {
    const client = new Client();
    await client.ask('one');
    await client.ask('two', { at: other, answer: 'there' });
    client.said.splice(-2);
    // The first look finds that the place is another one.
    expect(await client.ask('two', { answer: 'here' })).toBe(3);
    expect(await client.trees()).toEqual([
      [' > one', 'one > to one', 'to one > two', 'two > there', 'two > here'],
    ]);
    client.said.splice(-1, 1, assistant('there'));
    await client.ask('three');
    expect((await client.trees())[0]).toContain('there > three');
  });

  it('and reserves nothing of the limits of its user where it was wrong', async () => {
    const limits = { LIMIT_TURNS_AT_ONCE: '1', LIMIT_TOKENS_PER_DAY: '100000' };
    const env = { ...counting.uncounted, ...limits };
    const limited = await startServer({ runtime, env, startLimitMs: 120_000 });
    const client = new Client();
    await client.ask('one', { at: limited });
    await client.ask('two', { at: other, answer: 'there' });
    client.said.splice(-2);
    await client.ask('two', { at: limited, answer: 'here' });
    await client.ask('three', { at: limited });
    expect((await client.trees()).map((tree) => tree.length)).toEqual([7]);
    await limited.close();
  });

  it('what another process answered goes on there and here alike', async () => {
    const client = new Client();
    for (const [at, question] of ['one', 'two', 'three', 'four'].entries())
      await client.ask(question, { at: at % 2 ? other : counting.server });
    expect((await client.trees()).map((tree) => tree.length)).toEqual([8]);
  });

  it('an answer that another API has given anew: each history goes on after its own', async () => {
    const client = new Client();
    await client.ask('one', { answer: 'old' });
    const id = await client.only();
    const [question] = await treeOf(id);
    const model = counting.script({ tokens: ['new'] });
    const again = await native(`/messages/${question?.id}/regenerate`, {
      json: { model },
    });
    expect(again.status, again.text).toBe(200);
    await client.ask('after old');
    client.said.splice(1, 3, assistant('new'));
    await client.ask('after new');
    expect(await client.trees()).toEqual([
      [
        ...[' > one', 'one > old', 'one > new', 'old > after old'],
        ...['after old > to after old', 'new > after new', 'after new > to after new'],
      ],
    ]);
  });

  it('an answer or a question that the client has edited: a conversation of its own', async () => {
    const client = new Client();
    await client.ask('one');
    client.said.splice(-1, 1, assistant('something else'));
    await client.ask('two');
    const trees = await client.trees();
    expect(trees.map((tree) => tree.length)).toEqual([4, 2]);
  });

  it('a conversation that was moved into another one', async () => {
    const { url } = counting.server;
    const client = new Client();
    const model = counting.script({ tokens: ['to one'] });
    const openai = openAiClient({ url }, client.user);
    await openai.responses.create({ model, input: 'one' });
    const { id } = await openai.conversations.create({ items: [] });
    await openai.conversations.items.create(id, {
      items: [
        { type: 'message', role: 'user', content: 'one' },
        { type: 'message', role: 'assistant', content: 'to one' },
      ],
    });
    expect(`conv_${await client.only()}`).toBe(id);
    client.said.push(user('one'), assistant('to one'));
    await client.ask('two');
    expect(await client.trees()).toEqual([
      [' > one', 'one > to one', 'to one > two', 'two > to two'],
    ]);
  });

  it('a response that is not kept: nothing that is kept follows it', async () => {
    const { url } = counting.server;
    const client = new Client();
    const openai = openAiClient({ url }, client.user);
    const model = counting.script({ tokens: ['to one'] });
    await openai.responses.create({ model, input: 'one', store: false });
    client.said.push(user('one'), assistant('to one'));
    await client.ask('two');
    // What is not kept is gone a moment after its answer.
    await expect.poll(async () => (await client.trees()).map((tree) => tree.length)).toEqual([4]);
  });
});

describe('a response that is remembered', () => {
  /** Asks for a response, and returns it with the number of requests before the model. */
  async function respond(
    name: string,
    asked: Partial<OpenAI.Responses.ResponseCreateParamsNonStreaming>,
    { url }: TestServer = counting.server,
  ) {
    const model = counting.script(slow);
    counting.database.reset();
    const { responses } = openAiClient({ url }, name);
    const response = await responses.create({ model, input: 'Go on', ...asked });
    const [sent] = counting.upstream.requests.filter((one) => `openai/${one.model}` === model);
    return { response, sent: sentMessages(sent?.body), before: counting.counted(model).before };
  }

  it('is gone on from without a look-up, and so is a conversation', async () => {
    const name = unique('user');
    const first = await respond(name, {});
    const { id } = first.response;
    const second = await respond(name, { previous_response_id: id });
    const branch = await respond(name, { previous_response_id: id, input: 'Or else' });
    expect([first, second, branch].map(({ before }) => before)).toEqual([1, 1, 1]);
    const conversation = await openAiClient(counting.server, name).conversations.create({});
    for (let turn = 0; turn < 2; turn++)
      expect(await respond(name, { conversation: conversation.id })).toMatchObject({ before: 1 });
    const client = new Client(name);
    expect((await client.trees()).map((tree) => tree.length).toSorted((a, b) => a - b)).toEqual([
      4, 6,
    ]);
  });

  it('is gone on from at another process, as from here', async () => {
    const name = unique('user');
    let { response } = await respond(name, {});
    for (const at of [other, counting.server, other])
      ({ response } = await respond(name, { previous_response_id: response.id }, at));
    expect((await new Client(name).trees()).map((tree) => tree.length)).toEqual([8]);
  });

  it('keeps the instructions of its conversation, besides those of a request', async () => {
    const name = unique('user');
    const { response } = await respond(name, {});
    const id = await new Client(name).only();
    const json = { instructions: 'Be brief' };
    const changed = await native(`/conversations/${id}`, { method: 'PATCH', json });
    expect(changed.status).toBe(200);
    const asked = { previous_response_id: response.id, instructions: 'Answer in rhymes' };
    for (const at of [counting.server, other]) {
      const { sent } = await respond(name, asked, at);
      expect(sent[0]?.content).toBe('Be brief\n\nAnswer in rhymes');
    }
  });

  it('is not found once it is deleted, nor by anybody else', async () => {
    const name = unique('user');
    const client = openAiClient(counting.server, name);
    const ids = [];
    for (let turn = 0; turn < 3; turn++) ids.push((await respond(name, {})).response.id);
    const [deleted = '', inDeleted = '', others = ''] = ids;
    await client.responses.delete(deleted);
    const turn = await native(`/turns/${inDeleted.replace('resp_', '')}`, {});
    const conversation = String(asRecord(turn.json)['conversation_id']);
    await native(`/conversations/${conversation}`, { method: 'DELETE' });
    const notFound = { status: 400, code: 'previous_response_not_found' };
    for (const [asker, id] of [
      [name, deleted],
      [name, inDeleted],
      [unique('user'), others],
    ] as const)
      await expect(
        openAiClient(counting.server, asker).responses.create({
          ...{ model: 'offline', input: 'Go on', previous_response_id: id },
        }),
      ).rejects.toMatchObject(notFound);
    const model = counting.script({});
    const unknown = { model, input: 'Go on', conversation: 'conv_nobody' };
    await expect(client.responses.create(unknown)).rejects.toMatchObject({ status: 404 });
  });

  it('goes on where its conversation was moved to', async () => {
    const name = unique('user');
    const client = openAiClient(counting.server, name);
    const { response } = await respond(name, { input: 'one' });
    const { id } = await client.conversations.create({ items: [] });
    await client.conversations.items.create(id, {
      items: [
        { type: 'message', role: 'user', content: 'one' },
        { type: 'message', role: 'assistant', content: response.output_text },
      ],
    });
    expect(`conv_${await new Client(name).only()}`).toBe(id);
    await respond(name, { previous_response_id: response.id });
    expect((await new Client(name).trees()).map((tree) => tree.length)).toEqual([4]);
  });
});

describe('the same words of somebody else', () => {
  it('are another history: of another user, and of a user of another tenant', async () => {
    const [one, two] = [new Client(), new Client()];
    await one.ask('one');
    two.said.push(...one.said);
    await two.ask('two');
    expect((await one.trees()).map((tree) => tree.length)).toEqual([2]);
    expect((await two.trees()).map((tree) => tree.length)).toEqual([4]);

    const own = new OwnServers();
    const databases = own.add(await startTenantDatabases(['acme', 'globex']));
    const env = { ...counting.upstream.env, AUTH: 'jwt', JWT_SECRET, DATABASE_URL: databases.url };
    const server = own.add(await startServer({ runtime, env, startLimitMs: 120_000 }));
    const model = counting.script({ tokens: ['to one'] });
    const said = [user('one'), assistant('to one'), user('two')];
    const ask = (tenant: string, messages: Said[]) =>
      request(`${server.url}/v1/chat/completions`, {
        headers: bearer(signToken({ sub: 'alice', tenant })),
        json: { model, messages },
      });
    expect((await ask('acme', said.slice(0, 1))).status).toBe(200);
    expect((await ask('globex', said)).status).toBe(200);
    for (const [tenant, count] of [
      ['acme', 2],
      ['globex', 4],
    ] as const) {
      const headers = bearer(signToken({ sub: 'alice', tenant }));
      const { json } = await request<{ message_count: number }[]>(`${server.url}/conversations`, {
        headers,
      });
      expect(
        json.map(({ message_count }) => message_count),
        tenant,
      ).toEqual([count]);
    }
    await own.close();
  });
});

it('nothing follows the end of a turn that is remembered', async () => {
  const client = new Client();
  await client.ask('one');
  const model = counting.script(slow);
  counting.database.reset();
  await openAiClient({ url: counting.server.url }, client.user).chat.completions.create({
    model,
    messages: [...client.said, user('two')],
  });
  await sleep(100);
  const { before, after } = counting.counted(model);
  expect({ before, after }).toEqual({ before: 1, after: 1 });
});
