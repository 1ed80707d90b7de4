/**
 * Streams of servers that people run themselves, shown whole, as their documentation shows them:
 * what they add, leave out and name otherwise. The answer is always "Hi"; ids and times are
 * shortened.
 */
import { chunk, counts, done, event, hi, last, type Deviation } from './deviation.ts';

const usage: [number, number] = [3, 2];

export const servers: Deviation[] = [
  {
    name: 'vLLM',
    seen: 'counts in each event',
    body:
      chunk({ role: 'assistant', content: '' }, null, {
        usage: { ...counts, completion_tokens: 0 },
      }) +
      chunk({ content: 'Hi' }, null, { usage: { ...counts, completion_tokens: 1 } }) +
      event({
        choices: [{ index: 0, delta: { content: '' }, finish_reason: 'stop', stop_reason: null }],
        usage: counts,
      }) +
      event({ choices: [], usage: counts }) +
      done,
    usage,
  },
  {
    name: 'vLLM',
    seen: 'an error',
    body: hi + event({ object: 'error', message: 'x', type: 'BadRequestError', code: 400 }) + done,
    error: 400,
  },
  {
    name: 'llama.cpp',
    seen: 'times',
    body:
      chunk({ role: 'assistant', content: null }) +
      hi +
      last({ timings: { prompt_n: 3 } }) +
      event({ choices: [], usage: counts, timings: {} }) +
      done,
    usage,
  },
  {
    name: 'llama.cpp',
    seen: 'an error in a field of its own',
    body: `${hi}error: {"code":503,"message":"Loading model","type":"unavailable_error"}\n\n`,
    error: 503,
  },
  {
    name: 'Ollama',
    seen: 'thoughts',
    body:
      chunk({ role: 'assistant', content: '', reasoning: 'hm' }) +
      hi +
      chunk({ role: 'assistant', content: '' }, 'stop', { usage: counts }) +
      done,
    thought: 'hm',
    usage,
  },
  {
    name: 'LM Studio',
    seen: 'an error',
    body: `${hi}event: error\ndata: {"error":{"message":"The model has crashed"}}\n\n`,
    error: 'unknown',
  },
  {
    name: 'LiteLLM',
    seen: 'an error',
    body: hi + event({ error: { message: 'x', type: 'None', param: 'None', code: '500' } }),
    error: 500,
  },
  {
    name: 'LiteLLM',
    seen: 'blocks of thoughts',
    body:
      chunk({
        reasoning_content: 'hm',
        thinking_blocks: [{ type: 'thinking', thinking: 'hm' }],
        provider_specific_fields: { thinking_blocks: [{ type: 'thinking', thinking: 'hm' }] },
        content: '',
      }) +
      hi +
      last() +
      event({ choices: [{ index: 0, delta: {} }], usage: counts }) +
      done,
    thought: 'hm',
    usage,
  },
  {
    name: 'FastChat',
    seen: 'an error in place of text',
    body: `data: {"text":"**NETWORK ERROR**","error_code":50001}\n\n`,
    text: '',
    error: 'unknown',
  },
  {
    name: 'MLX',
    seen: 'progress in comments',
    body: `: keepalive 1/10\n\n: keepalive 10/10\n\n${hi}${last()}${done}`,
  },
  {
    name: 'LocalAI',
    seen: 'empty finishes, counts of nothing',
    body:
      chunk({ role: 'assistant', content: 'Hi' }, '', {
        usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 },
      }) +
      chunk({ content: '' }, 'stop', { usage: counts }) +
      done,
    usage,
  },
  {
    name: 'text-generation-webui',
    seen: 'message and delta',
    body:
      event({
        choices: [
          {
            index: 0,
            finish_reason: null,
            message: { role: 'assistant', content: 'Hi' },
            delta: { role: 'assistant', content: 'Hi' },
          },
        ],
      }) + last({ usage: counts }),
    usage,
  },
  {
    name: 'Open WebUI',
    seen: 'sources first',
    body: event({ sources: [{}] }) + event({ event: { type: 'status' } }) + hi + last() + done,
  },
];
