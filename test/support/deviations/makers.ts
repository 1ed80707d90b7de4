/**
 * Streams of those who make models, shown whole, as their documentation shows them: what they add,
 * leave out and name otherwise. The answer is always "Hi"; ids and times are shortened.
 */
import { chunk, counts, done, event, hi, last, type Deviation } from './deviation.ts';

const KEEP_ALIVE = ': keep-alive\n\n';
const usage: [number, number] = [3, 2];

export const makers: Deviation[] = [
  {
    name: 'OpenAI',
    seen: 'padding',
    body:
      chunk({ role: 'assistant', content: '', refusal: null }, null, { usage: null }) +
      chunk({ content: 'Hi' }, null, { usage: null, obfuscation: 'a8' }) +
      last({ usage: null, service_tier: 'default' }) +
      event({ choices: [], usage: counts, obfuscation: '' }) +
      done,
    usage,
  },
  {
    name: 'DeepSeek',
    seen: 'keep-alive comments and thoughts',
    body:
      chunk({ role: 'assistant', content: null, reasoning_content: '' }) +
      KEEP_ALIVE +
      chunk({ content: null, reasoning_content: 'hm' }) +
      chunk({ content: 'Hi', reasoning_content: null }) +
      chunk({ content: '', reasoning_content: null }, 'stop', { usage: counts }) +
      done,
    thought: 'hm',
    usage,
  },
  {
    name: 'DeepSeek',
    seen: 'too few resources',
    body: hi + chunk({}, 'insufficient_system_resource') + done,
    finish: 'none',
  },
  {
    name: 'Mistral',
    seen: 'references',
    body:
      chunk({
        content: [
          { type: 'text', text: 'Hi' },
          { type: 'reference', reference_ids: [1] },
        ],
      }) +
      last({ usage: counts, p: 'abc' }) +
      done,
    usage,
  },
  {
    name: 'Perplexity',
    seen: 'the whole answer at the end',
    body:
      event({ object: 'chat.reasoning', choices: [{ delta: { reasoning_steps: [{}] } }] }) +
      chunk({ content: 'Hi' }) +
      event({
        object: 'chat.completion.done',
        citations: ['x'],
        choices: [{ index: 0, message: { content: 'Hi' }, finish_reason: 'stop' }],
        usage: counts,
      }),
    usage,
  },
  {
    name: 'MiniMax',
    seen: 'the whole answer at the end',
    body:
      chunk({ role: 'assistant', content: 'H' }) +
      chunk({ content: 'i' }) +
      event({
        object: 'chat.completion',
        choices: [{ index: 0, message: { content: 'Hi' }, finish_reason: 'stop' }],
        usage: counts,
        base_resp: { status_code: 0, status_msg: '' },
      }),
    usage,
  },
  {
    name: 'MiniMax',
    seen: 'an error beside nothing',
    body: event({ choices: null, base_resp: { status_code: 1002, status_msg: 'rate limit' } }),
    text: '',
    error: 429,
  },
  {
    name: 'xAI',
    seen: 'thoughts, sources',
    body:
      chunk({ role: 'assistant', reasoning_content: 'hm' }) +
      hi +
      last() +
      event({ choices: [], usage: { ...counts, num_sources_used: 0 }, citations: [] }) +
      done,
    thought: 'hm',
    usage,
  },
  {
    name: 'Moonshot',
    seen: 'counts within the choice',
    body:
      event({
        choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }],
      }) +
      hi +
      event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop', usage: counts }] }) +
      done,
    usage,
  },
  {
    name: 'Zhipu',
    seen: 'a role in each event',
    body:
      chunk({ role: 'assistant', content: 'Hi' }) +
      chunk({ role: 'assistant', content: '' }, 'stop', { usage: counts }) +
      done,
    usage,
  },
  {
    name: 'Zhipu',
    seen: 'a filter',
    body: hi + chunk({}, 'sensitive') + done,
    finish: 'content-filter',
  },
  {
    name: 'Zhipu',
    seen: 'a broken network',
    body: hi + chunk({}, 'network_error') + done,
    finish: 'none',
  },
  {
    name: 'Alibaba DashScope',
    seen: 'the finish "null"',
    body:
      chunk({ content: 'Hi' }, 'null') +
      chunk({ content: '' }, 'stop') +
      event({ choices: [], usage: counts }) +
      done,
    usage,
  },
  {
    name: 'Alibaba DashScope',
    seen: 'an error',
    body: `${hi}id:1\nevent:error\n:HTTP_STATUS/400\ndata:{"code":"InvalidParameter","message":"x","request_id":"r"}\n\n`,
    error: 400,
  },
  {
    name: 'GigaChat',
    seen: 'a black list',
    body: hi + chunk({}, 'blacklist') + done,
    finish: 'content-filter',
  },
  {
    name: 'Gemini’s service for OpenAI’s clients',
    seen: 'tags of thoughts, calls without a number',
    body:
      event({
        choices: [
          {
            index: 0,
            delta: {
              content: '<thought>hm</thought>Hi',
              role: 'assistant',
              extra_content: { google: { thought: true } },
            },
          },
        ],
      }) +
      last() +
      done,
    thought: 'hm',
  },
  {
    name: 'Magistral',
    seen: 'tags in brackets',
    body: chunk({ content: '[THI' }) + chunk({ content: 'NK]hm[/THINK]Hi' }) + last() + done,
    thought: 'hm',
  },
  {
    name: 'Kimi-VL',
    seen: 'tags in triangles',
    body: chunk({ content: '◁think▷hm◁/think▷Hi' }) + last() + done,
    thought: 'hm',
  },
];
