/**
 * Streams of services that run models of others, shown whole, as their documentation shows them:
 * what they add, leave out and name otherwise. The answer is always "Hi"; ids and times are
 * shortened.
 */
import { chunk, counts, done, event, hi, last, type Deviation } from './deviation.ts';

const OPENROUTER = ': OPENROUTER PROCESSING\n\n';
const usage: [number, number] = [3, 2];
const call = { id: 'a', type: 'function', function: { name: 'search', arguments: '{"q":1}' } };
const called = {
  text: '',
  finish: 'tool-calls' as const,
  calls: [{ name: 'search', input: '{"q":1}' }],
};

export const hosts: Deviation[] = [
  {
    name: 'Azure OpenAI',
    seen: 'with an asynchronous filter',
    body:
      event({ choices: [], created: 0, id: '', model: '', prompt_filter_results: [{}] }) +
      chunk({ content: 'Hi' }) +
      event({ choices: [{ content_filter_offsets: {}, content_filter_results: {}, index: 0 }] }) +
      event({
        choices: [
          {
            content_filter_results: {},
            content_filter_offsets: { check_offset: 2 },
            finish_reason: null,
            index: 0,
          },
        ],
      }) +
      event({
        choices: [
          {
            content_filter_result: { error: { code: 'content_filter_error', message: 'x' } },
            delta: {},
            finish_reason: 'stop',
          },
        ],
      }) +
      done,
  },
  {
    name: 'OpenRouter',
    seen: 'with counts behind the finish',
    body:
      OPENROUTER.repeat(2) +
      chunk({ role: 'assistant', content: '', reasoning: 'hm', reasoning_details: [{}] }) +
      chunk({ role: 'assistant', content: 'Hi' }) +
      event({
        provider: 'X',
        choices: [
          { index: 0, delta: { content: '' }, finish_reason: 'stop', native_finish_reason: 'STOP' },
        ],
      }) +
      chunk({ role: 'assistant', content: '' }, null, { usage: { ...counts, cost: 0.1 } }) +
      done,
    thought: 'hm',
    usage,
  },
  {
    name: 'OpenRouter',
    seen: 'a provider that disconnects',
    body:
      hi +
      event({
        error: { code: 'server_error', message: 'Provider disconnected unexpectedly' },
        choices: [{ index: 0, delta: { content: '' }, finish_reason: 'error' }],
      }),
    error: 503,
  },
  {
    name: 'OpenRouter',
    seen: 'thoughts in details alone',
    body:
      chunk({ content: '', reasoning_details: [{ type: 'reasoning.text', text: 'h' }] }) +
      chunk({ reasoning_details: [{ type: 'reasoning.summary', summary: 'm' }] }) +
      chunk({ reasoning_details: [{ type: 'reasoning.encrypted', data: 'x' }] }) +
      hi +
      last() +
      done,
    thought: 'hm',
  },
  {
    name: 'Together',
    seen: 'text beside the delta',
    body:
      event({
        choices: [
          {
            index: 0,
            text: 'Hi',
            logprobs: null,
            finish_reason: null,
            delta: { token_id: 1, role: 'assistant', content: 'Hi', tool_calls: null },
          },
        ],
        usage: null,
      }) +
      event({
        choices: [{ index: 0, text: '', finish_reason: 'eos', delta: { content: '' } }],
        usage: counts,
      }) +
      done,
    usage,
  },
  {
    name: 'Fireworks',
    seen: 'counts at the finish',
    body: hi + last({ usage: counts }) + done,
    usage,
  },
  {
    name: 'Cerebras',
    seen: 'times',
    body: hi + last({ usage: counts, time_info: { queue_time: 0.1 } }) + done,
    usage,
  },
  {
    name: 'SambaNova',
    seen: 'counts in the last event',
    body: hi + last() + event({ choices: [], is_last_response: true, usage: counts }) + done,
    usage,
  },
  {
    name: 'Groq',
    seen: 'counts of its own',
    body:
      chunk({ role: 'assistant', content: '' }, null, { x_groq: { id: 'r', seed: 1 } }) +
      hi +
      last({ x_groq: { id: 'r', usage: { ...counts, queue_time: 0.1 } } }) +
      done,
    usage,
  },
  {
    name: 'Databricks',
    seen: 'reasoning as summaries',
    body:
      chunk({
        content: [
          { type: 'reasoning', summary: [{ type: 'summary_text', text: 'hm', signature: 'x' }] },
        ],
      }) +
      chunk({ content: [{ type: 'text', text: 'Hi' }] }) +
      last() +
      done,
    thought: 'hm',
  },
  {
    name: 'Amazon Bedrock',
    seen: 'tags of reasoning',
    body:
      chunk({ role: 'assistant', content: '<reason' }) +
      chunk({ content: 'ing>hm</reasoning>' }) +
      chunk({ content: 'Hi' }) +
      last() +
      event({ choices: [], usage: counts }) +
      done,
    thought: 'hm',
    usage,
  },
  {
    name: 'watsonx',
    seen: 'named events',
    body: [hi, last({ usage: counts })].map((one) => `id: 1\nevent: message\n${one}`).join(''),
    usage,
  },
  {
    name: 'Hugging Face TGI',
    seen: 'calls that are no list',
    body:
      chunk({ role: 'assistant', tool_calls: { index: 0, ...call, id: '' } }) +
      chunk({
        role: 'assistant',
        tool_calls: { index: 0, function: { name: null, arguments: '' } },
      }) +
      chunk({ content: '' }, 'tool_calls') +
      done,
    ...called,
  },
  {
    name: 'Hugging Face TGI',
    seen: 'an overloaded service',
    body: 'data:{"error":"Model is overloaded","error_type":"overloaded"}\n\n',
    text: '',
    error: 503,
  },
  {
    name: 'GitHub Copilot',
    seen: 'text and call in two choices of one number',
    body:
      event({
        choices: [
          { index: 0, delta: { content: 'Hi' }, finish_reason: null },
          { index: 0, delta: { tool_calls: [call] }, finish_reason: 'tool_calls' },
        ],
      }) + done,
    ...called,
    text: 'Hi',
  },
];
