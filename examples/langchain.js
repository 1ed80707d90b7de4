/** LangChain: `ChatOpenAI` with another base URL. */
import { AIMessage, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { ChatOpenAI } from '@langchain/openai';

const model = new ChatOpenAI({
  model: process.env.PARLEY_MODEL ?? 'offline',
  apiKey: process.env.PARLEY_KEY ?? 'none',
  useResponsesApi: false,
  configuration: {
    baseURL: `${process.env.PARLEY_URL ?? 'http://127.0.0.1:8787'}/v1`,
    defaultHeaders: { 'X-User-Id': process.env.PARLEY_USER ?? 'alice' },
  },
});

const messages = [new HumanMessage('Hello! Who are you?')];
let answer = '';
for await (const chunk of await model.stream(messages)) {
  answer += chunk.text;
  process.stdout.write(chunk.text);
}

messages.push(new AIMessage(answer), new HumanMessage('call get_weather {"city": "Rome"}'));
const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const withTools = model.bindTools([
  { type: 'function', function: { name: 'get_weather', parameters: schema } },
]);
const calling = await withTools.invoke(messages);
const results = calling.tool_calls.map(
  ({ id, args }) => new ToolMessage({ tool_call_id: id, content: `It rains in ${args.city}` }),
);
const { text } = await withTools.invoke([...messages, calling, ...results]);
process.stdout.write(`\n${text}\n`);
