/** How services stream calls of tools. */
import { chunk, done, type Deviation } from './deviation.ts';

const call = (delta: object, finish: string | null = null) =>
  chunk({ tool_calls: [delta] }, finish);
const search = { name: 'search', arguments: '{"q":1}' };

export const calls: Deviation[] = [
  {
    name: 'a call without an index',
    seen: 'ai#7238, ollama#7881',
    body: call({ id: 'a', type: 'function', function: search }) + chunk({}, 'tool_calls') + done,
    calls: [{ id: 'a', name: 'search', input: '{"q":1}' }],
  },
  {
    name: 'a call whose type is empty',
    seen: 'own',
    body:
      call({ index: 0, id: 'a', type: '', function: { name: 'search', arguments: '{"q"' } }) +
      call({ index: 0, type: '', function: { arguments: ':1}' } }) +
      chunk({}, 'tool_calls') +
      done,
    calls: [{ id: 'a', name: 'search', input: '{"q":1}' }],
  },
  {
    name: 'calls that are all number 0',
    seen: 'gcli2api#406, dynamo#4723',
    body:
      call({ index: 0, id: 'a', function: search }) +
      call({ index: 0, id: 'b', function: search }) +
      chunk({}, 'tool_calls') +
      done,
    calls: [
      { id: 'a', name: 'search', input: '{"q":1}' },
      { id: 'b', name: 'search', input: '{"q":1}' },
    ],
  },
  {
    name: 'a call without an id',
    seen: 'litellm#24095',
    body: call({ index: 0, function: search }) + chunk({}, 'tool_calls') + done,
    calls: [{ name: 'search', input: '{"q":1}' }],
  },
  {
    name: 'arguments as an object',
    seen: 'llama.cpp#20198',
    body:
      call({ id: 'a', function: { name: 'search', arguments: { q: 1 } } }) +
      chunk({}, 'tool_calls') +
      done,
    calls: [{ id: 'a', name: 'search', input: '{"q":1}' }],
  },
  {
    name: 'the name in each piece',
    seen: 'hermes-agent#8259',
    body:
      call({ index: 0, id: 'a', function: { name: 'search', arguments: '{"q"' } }) +
      call({ index: 0, id: 'a', function: { name: 'search', arguments: ':1}' } }) +
      chunk({}, 'tool_calls') +
      done,
    calls: [{ id: 'a', name: 'search', input: '{"q":1}' }],
  },
  {
    name: 'a call of a function',
    seen: 'OpenAI, before tools',
    body: chunk({ function_call: search }) + chunk({}, 'function_call') + done,
    calls: [{ name: 'search', input: '{"q":1}' }],
  },
  {
    name: 'the finish tool_use',
    seen: 'Anthropic’s word',
    body: call({ index: 0, id: 'a', function: search }, 'tool_use') + done,
    calls: [{ id: 'a', name: 'search', input: '{"q":1}' }],
  },
  {
    name: 'calls in a whole answer',
    seen: 'opencodex#3770',
    body: JSON.stringify({
      choices: [
        {
          message: { content: null, tool_calls: [{ id: 'a', type: 'function', function: search }] },
          finish_reason: 'tool_calls',
        },
      ],
    }),
    calls: [{ id: 'a', name: 'search', input: '{"q":1}' }],
  },
].map((deviation) => ({ ...deviation, text: '', finish: 'tool-calls' as const }));
