/** The examples for programs: each is run as it stands, and its settings do what they say. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { asRecord, asText, parseJson } from '../support/json.ts';
import { suiteTarget, unique } from './target.ts';
import { scripted } from './turns.ts';

const target = suiteTarget();
const run = promisify(execFile);

interface ConversationJson {
  conversation_id: string;
  client_id?: string;
  message_count: number;
}

async function conversations(user: string): Promise<ConversationJson[]> {
  return (await target.call<ConversationJson[]>(`/conversations?user_id=${user}`)).json;
}

/** Runs an example as a new user; answers what it printed. */
async function example(command: string, file: string) {
  const user = unique('user');
  const env = {
    ...process.env,
    PARLEY_URL: target.url,
    PARLEY_USER: user,
    PARLEY_MODEL: 'offline',
  };
  const { stdout } = await run(command, [`examples/${file}`], { env });
  return { printed: stdout, stored: await conversations(user) };
}

describe.concurrent('a program', () => {
  it.each(['openai.js', 'langchain.js'])('keeps one conversation: %s', async (file) => {
    const { printed, stored } = await example(process.execPath, file);
    expect(printed).toContain('offline model');
    expect(printed).toContain('It rains in Rome');
    // Two questions, a call and its result, and the answers.
    expect(stored.map(({ message_count }) => message_count)).toEqual([6]);
  });

  it('goes from one API to the next: curl.sh', async () => {
    const { printed, stored } = await example('sh', 'curl.sh');
    expect(printed).toContain('event: turn.completed');
    expect(printed).toContain('"object":"chat.completion"');
    expect(printed).toContain('"parts":[{"type":"text"');
    expect(stored.map(({ message_count }) => message_count)).toEqual([4]);
  });
});

/** Fills the places of a client's settings, which are named between braces. */
function filled(headers: Record<string, unknown>, values: Record<string, string>) {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => {
      const place = /^\{\{(\w+)\}\}$/u.exec(asText(value))?.[1] ?? '';
      return [name, values[place] ?? ''];
    }),
  );
}

async function ask(headers: Record<string, string>, messages: object[]) {
  const { model } = await scripted(target, { text: 'Yes.' });
  const json = { model, messages };
  const { status } = await target.call('/v1/chat/completions', { json, headers });
  expect(status).toBe(200);
}

describe.concurrent('settings', () => {
  const [first, answer, second] = [
    { role: 'user', content: 'One?' },
    { role: 'assistant', content: 'changed by the client' },
    { role: 'user', content: 'Two?' },
  ];

  it('settings of Open WebUI keep its chats, message for message', async () => {
    const settings = asRecord(parseJson(await readFile('examples/open-webui.json', 'utf8')));
    const headers = asRecord(settings['headers']);
    const [user, chat] = [unique('user'), unique('chat')];
    const same = { CHAT_ID: chat, USER_ID: user };
    const one = { ...same, USER_MESSAGE_ID: 'u1', MESSAGE_ID: 'a1' };
    const two = { ...same, USER_MESSAGE_ID: 'u2', MESSAGE_ID: 'a2' };
    await ask(filled(headers, one), [first]);
    await ask(filled(headers, { ...two, USER_MESSAGE_PARENT_ID: 'a1' }), [first, answer, second]);
    await ask(filled(headers, { ...one, TASK: 'title_generation' }), [first]);
    expect(await conversations(user)).toMatchObject([{ client_id: chat, message_count: 4 }]);
  });

  it('settings of LibreChat keep its conversations', async () => {
    const yaml = await readFile('examples/librechat.yaml', 'utf8');
    const lines = [...yaml.matchAll(/^ +(X-[\w-]+): '(\{\{\w+\}\})'$/gmu)];
    const headers = Object.fromEntries(lines.map(([, name, value]) => [name ?? '', value]));
    const [user, chat] = [unique('user'), unique('chat')];
    const values = { LIBRECHAT_BODY_CONVERSATIONID: chat, LIBRECHAT_USER_ID: user };
    await ask(filled(headers, values), [first]);
    await ask(filled(headers, values), [first, { ...answer, content: 'Yes.' }, second]);
    expect(await conversations(user)).toMatchObject([{ client_id: chat, message_count: 4 }]);
  });
});
