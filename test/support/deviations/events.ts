/** What events hold besides text, and what they lack. */
import { chunk, counts, done, end, event, hi, type Deviation } from './deviation.ts';

export const events: Deviation[] = [
  {
    name: 'filter results first',
    seen: 'Azure OpenAI',
    body: event({ choices: [], prompt_filter_results: [{}] }) + hi + end,
  },
  { name: 'events of other kinds', seen: 'Portkey', body: event({ hook_results: {} }) + hi + end },
  {
    name: 'counts without choices',
    seen: 'own',
    body: hi + chunk({}, 'stop') + event({ usage: counts }) + done,
    usage: [3, 2],
  },
  {
    name: 'counts after the end mark',
    seen: 'own',
    body: hi + end + event({ choices: [], usage: counts }),
    usage: [3, 2],
  },
  {
    name: 'counts in each chunk',
    seen: 'Perplexity',
    body:
      chunk({ content: 'Hi' }, null, { usage: { ...counts, completion_tokens: 1 } }) +
      chunk({}, 'stop', { usage: counts }),
    usage: [3, 2],
  },
  {
    name: 'counts within the choice',
    seen: 'Moonshot, pi#2017',
    body:
      hi +
      event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop', usage: counts }] }) +
      done,
    usage: [3, 2],
  },
  {
    name: 'counts of Anthropic',
    seen: 'own',
    body: hi + chunk({}, 'stop', { usage: { input_tokens: 3, output_tokens: 2 } }) + done,
    usage: [3, 2],
  },
  {
    name: 'counts that are none',
    seen: 'own',
    body: hi + chunk({}, 'stop', { usage: { prompt_tokens: 'many' } }) + done,
  },
  {
    name: 'a role that is empty',
    seen: 'MiniMax-M2.5#2, ai#15464',
    body:
      chunk({ role: '', content: 'Hi' }, null, { usage: counts }) +
      chunk({ role: '' }, 'stop', { usage: counts }),
    usage: [3, 2],
  },
  {
    name: 'choices without an index',
    seen: 'own',
    body:
      event({ choices: [{ delta: { content: 'Hi' } }] }) +
      event({ choices: [{ delta: {}, finish_reason: 'stop' }] }) +
      done,
  },
  {
    name: 'the message so far beside the delta',
    seen: 'Perplexity',
    body:
      event({ choices: [{ index: 0, message: { content: 'Hi' }, delta: { content: 'Hi' } }] }) +
      end,
  },
  {
    name: 'text as in the older API',
    seen: 'own',
    body: event({ choices: [{ text: 'Hi', finish_reason: null }] }) + end,
  },
  {
    name: 'text with its finish',
    seen: 'vLLM, vllm#36944',
    body: chunk({ content: 'Hi' }, 'stop') + done,
  },
  {
    name: 'fields that nobody knows',
    seen: 'Perplexity',
    body: chunk({ content: 'Hi', audio: {}, citations: [] }) + end,
  },
  {
    name: 'what cannot be read after the finish',
    seen: 'own',
    body: `${hi}${chunk({}, 'stop')}data: {oops\n\n`,
  },
  {
    name: 'a cut event after the finish',
    seen: 'own',
    body: `${hi}${chunk({}, 'stop')}data: {"choi`,
  },
];
