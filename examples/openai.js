/** The `openai` package: a conversation without any id, and a tool that runs here. */
import OpenAI from 'openai';

const client = new OpenAI({
  baseURL: `${process.env.PARLEY_URL ?? 'http://127.0.0.1:8787'}/v1`,
  // A key of `npm run keys`; without AUTH anything will do, and the header says who is speaking.
  apiKey: process.env.PARLEY_KEY ?? 'none',
  defaultHeaders: { 'X-User-Id': process.env.PARLEY_USER ?? 'alice' },
});
const model = process.env.PARLEY_MODEL ?? 'offline';

const messages = [{ role: 'user', content: 'Hello! Who are you?' }];
const stream = client.chat.completions.stream({ model, messages });
for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? '');
messages.push({ role: 'assistant', content: await stream.finalContent() });

const get_weather = {
  name: 'get_weather',
  description: 'The weather of a city',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  parse: JSON.parse,
  function: ({ city }) => `It rains in ${city}`,
};
// The offline model calls a tool when it is told so, like this.
messages.push({ role: 'user', content: 'call get_weather {"city": "Rome"}' });
const runner = client.chat.completions.runTools({
  model,
  messages,
  tools: [{ type: 'function', function: get_weather }],
});
process.stdout.write(`\n${await runner.finalContent()}\n`);
