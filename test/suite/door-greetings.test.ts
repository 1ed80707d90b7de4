/** Histories that begin with what the assistant said: a greeting before the first question. */
import { describe, expect, it } from 'vitest';
import { asArray, asRecord, asText } from '../support/json.ts';
import { openAiClient } from './openai-client.ts';
import { suiteTarget, unique } from './target.ts';
import { scripted, type MessageJson } from './turns.ts';

const target = suiteTarget();
const greeting = { role: 'assistant' as const, content: 'Welcome! What can I do?' };
const question = { role: 'user' as const, content: 'Tell me a tale' };
const more = { role: 'user' as const, content: 'Go on' };

/** The two requests of a client that sends its whole history: each returns the answer. */
const DOORS = [
  {
    door: 'a chat completion',
    async ask(client: ReturnType<typeof openAiClient>, model: string, said: Said[]) {
      const { choices } = await client.chat.completions.create({ model, messages: said });
      return choices[0]?.message.content;
    },
  },
  {
    door: 'a response',
    async ask(client: ReturnType<typeof openAiClient>, model: string, said: Said[]) {
      return (await client.responses.create({ model, input: said })).output_text;
    },
  },
];

type Said = typeof greeting | typeof question;

async function sentTo(name: string): Promise<unknown[][]> {
  const requests = await target.upstream.requests(name);
  return requests.map(({ body }) =>
    asArray(asRecord(body)['messages']).map((each) => asText(asRecord(each)['content'])),
  );
}

describe.concurrent('a history that begins with the assistant', () => {
  it.each(DOORS)('is kept and sent as it is: $door', async ({ ask }) => {
    const { model, name } = await scripted(target, { tokens: ['Once'] });
    const user = unique('user');
    const client = openAiClient(target, user);
    await ask(client, model, [greeting, question]);
    await ask(client, model, [greeting, question, { ...greeting, content: 'Once' }, more]);
    const { json } = await target.call<{ conversation_id: string; title: string }[]>(
      `/conversations?user_id=${user}`,
    );
    expect(json).toMatchObject([{ title: question.content }]);
    const path = `/conversations/${json[0]?.conversation_id}/messages`;
    const { json: stored } = await target.call<MessageJson[]>(path);
    const all = [greeting.content, question.content, 'Once', more.content, 'Once'];
    expect(stored.map(({ content }) => content)).toEqual(all);
    expect(await sentTo(name)).toEqual([all.slice(0, 2), all.slice(0, 4)]);
  });
});
