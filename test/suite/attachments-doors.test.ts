/** Files at the doors of other people's clients: what they send, and what comes of it. */
import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { asRecord } from '../support/json.ts';
import { lastBody, modelThat, userContents, type StoredMessage } from './attachments-client.ts';
import { makePdf } from '../support/pdf.ts';
import { png, sent, wav, type FileJson } from './files-client.ts';
import { suiteTarget, unique } from './target.ts';

const target = suiteTarget();

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function dataUrl(bytes: Uint8Array, type = 'image/png'): string {
  return `data:${type};base64,${base64(bytes)}`;
}

const text = (said: string) => ({ type: 'text', text: said });
const imageAt = (url: string) => ({ type: 'image_url', image_url: { url } });

async function filesOf(user: string): Promise<FileJson[]> {
  return (await target.call<FileJson[]>(`/files?user_id=${user}`)).json;
}

async function conversationsOf(user: string): Promise<{ conversation_id: string }[]> {
  const { json } = await target.call<{ conversation_id: string }[]>(
    `/conversations?user_id=${user}`,
  );
  return json;
}

/** The messages of the last request to a model. */
async function sentTo(name: string) {
  const { messages } = await lastBody(name);
  return messages as { role: string; content: unknown }[];
}

async function messagesIn(id = ''): Promise<StoredMessage[]> {
  return (await target.call<StoredMessage[]>(`/conversations/${id}/messages`)).json;
}

describe.concurrent('chat completions', () => {
  const ask = (json: object) =>
    target.call<{ choices: { message: { content: string } }[] }>('/v1/chat/completions', {
      json,
      timeoutMs: 60_000,
    });

  it('take images, audio and files as data, and store them with the message', async () => {
    const { name, model } = await modelThat('google');
    const user = unique('user');
    const image = png();
    const pdf = makePdf([['Valves']]);
    const content = [
      text('What are they?'),
      imageAt(dataUrl(image)),
      { type: 'input_audio', input_audio: { data: base64(wav()), format: 'wav' } },
      {
        type: 'file',
        file: { filename: 'valves.pdf', file_data: dataUrl(pdf, 'application/pdf') },
      },
    ];
    const answer = await ask({ model, user, messages: [{ role: 'user', content }] });
    expect(answer.status, answer.text).toBe(200);
    expect(await userContents(name)).toEqual([
      [
        { inlineData: { mimeType: 'image/png', data: base64(image) } },
        { inlineData: { mimeType: 'audio/wav', data: base64(wav()) } },
        { inlineData: { mimeType: 'application/pdf', data: base64(pdf) } },
        { text: 'What are they?' },
      ],
    ]);
    const [made] = await conversationsOf(user);
    const [question] = await messagesIn(made?.conversation_id);
    expect(question?.attachments).toMatchObject([
      { mime_type: 'image/png' },
      { name: 'audio.wav', mime_type: 'audio/wav' },
      { name: 'valves.pdf', mime_type: 'application/pdf' },
    ]);
  });

  it('know a history with images again, and keep them once', async () => {
    const { name, model } = await modelThat('openai');
    const user = unique('user');
    const first = { role: 'user', content: [imageAt(dataUrl(png())), text('One')] };
    await ask({ model, user, messages: [first] });
    const answer = { role: 'assistant', content: 'I see' };
    const messages = [first, answer, { role: 'user', content: 'Two' }];
    expect((await ask({ model, user, messages })).status).toBe(200);
    expect(await conversationsOf(user)).toHaveLength(1);
    expect(await filesOf(user)).toHaveLength(1);
    expect(await userContents(name)).toEqual([[first.content[0], text('One')], 'Two']);
  });

  it('part histories with other images', async () => {
    const { model } = await modelThat('openai');
    const user = unique('user');
    for (const url of [dataUrl(png()), dataUrl(png())])
      await ask({
        model,
        user,
        messages: [{ role: 'user', content: [imageAt(url), text('One')] }],
      });
    expect(await conversationsOf(user)).toHaveLength(2);
  });

  it('keep the images of a history that came from elsewhere', async () => {
    const { name, model } = await modelThat('openai');
    const user = unique('user');
    const first = { role: 'user', content: [imageAt(dataUrl(png())), text('One')] };
    const answer = { role: 'assistant', content: 'Said elsewhere' };
    const messages = [first, answer, { role: 'user', content: 'Two' }];
    expect((await ask({ model, user, messages })).status).toBe(200);
    expect(await userContents(name)).toEqual([[first.content[0], text('One')], 'Two']);
    const [file] = await filesOf(user);
    const [made] = await conversationsOf(user);
    await target.call(`/conversations/${made?.conversation_id}`, { method: 'DELETE' });
    expect((await target.call(`/files/${file?.file_id}`)).status).toBe(404);
  });

  it.each<[string, object]>([
    ['an image without bytes', imageAt('data:image/png;base64,')],
    ['an image at a private address', imageAt('http://127.0.0.1/a.png')],
    ['data that is none', imageAt('data:image/png;base64,%%%')],
    ['a part without a file', { type: 'file', file: {} }],
    ['an unknown part', { type: 'video', video: {} }],
  ])('refuse %s, and keep nothing', async (_, part) => {
    const user = unique('user');
    const messages = [{ role: 'user', content: [text('Hm'), part] }];
    const answer = await ask({ model: 'openai/gpt-4o-none', user, messages });
    if (answer.status === 200) throw new Error(answer.text);
    expect([400, 415, 502]).toContain(answer.status);
    expect(asRecord(answer.json)['error']).toBeDefined();
    if (answer.status !== 502) expect(await filesOf(user)).toEqual([]);
  });

  it('refuse what the model cannot read', async () => {
    const { model, name } = await modelThat('blind');
    const user = unique('user');
    const messages = [{ role: 'user', content: [imageAt(dataUrl(png())), text('Hm')] }];
    const answer = await ask({ model, user, messages });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('cannot read');
    expect(await filesOf(user)).toEqual([]);
    expect(await target.upstream.requests(name)).toEqual([]);
  });
});

describe.concurrent('responses', () => {
  const ask = (json: object) => target.call<{ id: string }>('/v1/responses', { json });

  it('take images and files, in what is new and after a response', async () => {
    const { name, model } = await modelThat('openai');
    const user_id = unique('user');
    const image = png();
    const input = (content: object[]) => [{ role: 'user', content }];
    const first = await ask({
      ...{ model, user_id },
      input: input([
        { type: 'input_text', text: 'One' },
        { type: 'input_image', image_url: dataUrl(image), detail: 'auto' },
      ]),
    });
    expect(first.status, first.text).toBe(200);
    expect(await userContents(name)).toEqual([[imageAt(dataUrl(image)), text('One')]]);
    const file_data = dataUrl(Buffer.from('Valves are blue.'), 'text/plain');
    const second = await ask({
      ...{ model, user_id, previous_response_id: first.json.id },
      input: input([{ type: 'input_file', filename: 'a.txt', file_data }]),
    });
    expect(second.status, second.text).toBe(200);
    expect(JSON.stringify(await userContents(name))).toContain('Valves are blue.');
    const items = await target.call<{ data: { content: object[] }[] }>(
      `/v1/responses/${second.json.id}/input_items?user_id=${user_id}`,
    );
    expect(JSON.stringify(items.json)).toContain('"type":"input_image"');
    expect(JSON.stringify(items.json)).toContain('"filename":"a.txt"');
  });

  it('take a file by its id', async () => {
    const { name, model } = await modelThat('openai');
    const user_id = unique('user');
    const content = png();
    const { file_id } = await sent({ content }, user_id);
    const input = [{ role: 'user', content: [{ type: 'input_image', file_id, detail: 'auto' }] }];
    expect((await ask({ model, user_id, input })).status).toBe(200);
    expect(await userContents(name)).toEqual([[imageAt(dataUrl(content))]]);
    const foreign = await ask({ model, user_id: unique('other'), input });
    expect(foreign.status).toBe(404);
  });
});

describe.concurrent('responses and messages of Anthropic', () => {
  it('take images in results of calls that the client answers', async () => {
    const name = unique('gpt-4o-');
    const call = { name: 'look', input: {}, id: 'call_look' };
    await target.upstream.script(name, [{ toolCalls: [[call]] }, { text: 'A cat.' }]);
    const model = `openai/${name}`;
    const user = unique('user');
    const image = png();
    const first = await target.call<{ id: string }>('/v1/responses', {
      json: {
        ...{ model, user_id: user, input: 'What is there?' },
        tools: [{ type: 'function', name: 'look', parameters: { type: 'object' } }],
      },
    });
    const output = [{ type: 'input_image', image_url: dataUrl(image) }];
    const second = await target.call('/v1/responses', {
      json: {
        ...{ model, user_id: user, previous_response_id: first.json.id },
        input: [{ type: 'function_call_output', call_id: call.id, output }],
      },
    });
    expect(second.status, second.text).toBe(200);
    const [, , result, files] = await sentTo(name);
    expect(result).toMatchObject({ role: 'tool', content: expect.stringMatching(/files/u) });
    expect(files).toMatchObject({ role: 'user', content: [imageAt(dataUrl(image))] });
  });

  const ask = (json: object, user: string) =>
    target.call('/v1/messages', { json, headers: { 'x-user-id': user } });
  const source = (bytes: Uint8Array, media_type: string) => ({
    ...{ type: 'base64', media_type },
    data: base64(bytes),
  });
  const tools = [{ name: 'look', input_schema: { type: 'object' } }];

  it('take images and documents in questions and in results', async () => {
    const name = unique('gpt-4o-');
    await target.upstream.script(name, { tokens: ['I ', 'see'] });
    const base = { model: `openai/${name}`, max_tokens: 100 };
    const user = unique('user');
    const [one, two] = [png(), png()];
    const said = {
      role: 'user',
      content: [
        { type: 'image', source: source(one, 'image/png') },
        { type: 'document', title: 'a.txt', source: { type: 'text', data: 'Valves are blue.' } },
        text('What is it?'),
      ],
    };
    const question = await ask({ ...base, messages: [said] }, user);
    expect(question.status, question.text).toBe(200);
    const [asked] = await sentTo(name);
    expect(asked?.content).toContainEqual(imageAt(dataUrl(one)));
    expect(JSON.stringify(asked)).toContain('Valves are blue.');
    const call = { type: 'tool_use', id: 'call_look', name: 'look', input: {} };
    const result = {
      ...{ type: 'tool_result', tool_use_id: call.id },
      content: [text('A picture'), { type: 'image', source: source(two, 'image/png') }],
    };
    const messages = [
      { role: 'user', content: 'Look' },
      { role: 'assistant', content: [call] },
      { role: 'user', content: [result] },
    ];
    const answered = await ask({ ...base, tools, messages }, user);
    expect(answered.status, answered.text).toBe(200);
    expect((await sentTo(name)).slice(2)).toMatchObject([
      { role: 'tool', content: 'A picture' },
      { role: 'user', content: [imageAt(dataUrl(two))] },
    ]);
    const counted = await target.call<{ input_tokens: number }>('/v1/messages/count_tokens', {
      json: { ...base, messages: [said] },
    });
    expect(counted.json.input_tokens).toBeGreaterThan(1_500);
  });

  it.each([
    ['bytes that are no base64', { type: 'base64', media_type: 'image/png', data: '%%%' }, 400],
    ['a private address', { type: 'url', url: 'http://127.0.0.1/a.png' }, 400],
    ['no bytes', { type: 'base64', media_type: 'image/png' }, 400],
    ['a file of nobody', { type: 'file', file_id: 'none' }, 404],
  ])('refuse an image of %s', async (_, from, status) => {
    const user = unique('user');
    const content = [{ type: 'image', source: from }, text('Hm')];
    const json = { model: 'openai/gpt-4o-none', max_tokens: 5 };
    const answer = await ask({ ...json, messages: [{ role: 'user', content }] }, user);
    expect(answer.status, answer.text).toBe(status);
    expect(asRecord(answer.json)['type']).toBe('error');
    expect(await conversationsOf(user)).toEqual([]);
  });
});

describe.concurrent('chats of the AI SDK', () => {
  const file = (url: string) => ({ type: 'file', mediaType: 'image/png', filename: 'a.png', url });

  async function ask(fields: object, parts: object[], id = unique('chat')) {
    const messages = [{ id: unique('m'), role: 'user', parts }];
    const stream = await target.stream('/api/chat', { json: { id, messages, ...fields } });
    const { status } = stream;
    if (status === 200) await stream.collect();
    return status;
  }

  it('take files as data, and as those that were sent before', async () => {
    const { name, model } = await modelThat('openai');
    const user_id = unique('user');
    const [one, two] = [png(), png()];
    const { file_id } = await sent({ content: two }, user_id);
    const parts = [file(dataUrl(one)), file(`/files/${file_id}`), text('What are they?')];
    expect(await ask({ user_id, model }, parts)).toBe(200);
    expect(await userContents(name)).toEqual([
      [imageAt(dataUrl(one)), imageAt(dataUrl(two)), text('What are they?')],
    ]);
    const [made] = await conversationsOf(user_id);
    const read = await target.call<{ messages: { parts: object[] }[] }>(
      `/conversations/${made?.conversation_id}?format=ui`,
    );
    const [first] = read.json.messages[0]?.parts ?? [];
    expect(first).toMatchObject({ type: 'file', mediaType: 'image/png', filename: 'a.png' });
    expect(String(asRecord(first)['url'])).toMatch(/^\/files\/[\w-]+$/u);
  });

  it('take a file without a text', async () => {
    const { name, model } = await modelThat('openai');
    expect(await ask({ user_id: unique('user'), model }, [file(dataUrl(png()))])).toBe(200);
    expect(JSON.stringify(await lastBody(name))).toContain('image_url');
  });

  it('fetch no file from this machine', async () => {
    const asked: string[] = [];
    const site = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.end(png());
    });
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
    const address = site.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const { model } = await modelThat('openai');
    const status = await ask({ user_id: unique('user'), model }, [
      file(`http://127.0.0.1:${port}/a.png`),
      text('Hm'),
    ]);
    site.close();
    expect([status, asked]).toEqual([400, []]);
  });
});
