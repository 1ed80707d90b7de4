/** What a model says, and how it ends. */
import { chunk, done, end, hi, type Deviation } from './deviation.ts';

export const contents: Deviation[] = [
  {
    name: 'content as a list',
    seen: 'Mistral, symfony/ai#2422',
    body:
      chunk({
        content: [
          { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] },
          { type: 'image_url' },
          { type: 'text', text: 'Hi' },
        ],
      }) + end,
    thought: 'hm',
  },
  {
    name: 'reasoning_content',
    seen: 'DeepSeek',
    body: chunk({ content: null, reasoning_content: 'hm' }) + hi + end,
    thought: 'hm',
  },
  {
    name: 'reasoning',
    seen: 'OpenRouter, Groq',
    body: chunk({ reasoning: 'hm', reasoning_details: [{}] }) + hi + end,
    thought: 'hm',
  },
  {
    name: 'both, which say the same',
    seen: 'own',
    body: chunk({ reasoning: 'hm', reasoning_content: 'hm' }) + hi + end,
    thought: 'hm',
  },
  {
    name: 'thoughts between tags',
    seen: 'Qwen, DeepSeek R1',
    body:
      chunk({ content: '\n<thi' }) +
      chunk({ content: 'nk>h' }) +
      chunk({ content: 'm</th' }) +
      chunk({ content: 'ink>\n\nHi' }) +
      end,
    thought: 'hm',
  },
  {
    name: 'a tag that is text',
    seen: 'own',
    body: chunk({ content: 'a <think>b</think>' }) + end,
    text: 'a <think>b</think>',
  },
  {
    name: 'a beginning of a tag',
    seen: 'own',
    body: chunk({ content: ' <th' }) + end,
    text: ' <th',
  },
];

export const finishes: Deviation[] = [
  ...['eos', 'eos_token', 'end', 'end_turn', 'stop_sequence', 'STOP', 'COMPLETE'].map((word) => ({
    name: `the finish ${word}`,
    seen: 'spring-ai#4900, ragas#1548, vespa#33327',
    body: hi + chunk({}, word) + done,
  })),
  ...['max_tokens', 'MAX_TOKENS', 'model_length'].map((word) => ({
    name: `the finish ${word}`,
    seen: 'spring-ai#4900, ragas#1548, vespa#33327',
    body: hi + chunk({}, word) + done,
    finish: 'length' as const,
  })),
  {
    name: 'the finish SAFETY',
    seen: 'Gemini’s word',
    body: hi + chunk({}, 'SAFETY') + done,
    finish: 'content-filter',
  },
  {
    name: 'an empty finish beside each delta',
    seen: 'ollama#4357, sglang#3912',
    body: chunk({ content: 'Hi' }, '') + end,
  },
  {
    name: 'an empty finish alone',
    seen: 'GenieX#1246',
    body: hi + chunk({}, '') + done,
    finish: 'none',
  },
  {
    name: 'a finish that nobody knows',
    seen: 'own',
    body: hi + chunk({}, 'whim') + done,
    finish: 'none',
  },
  { name: 'no finish', seen: 'ai#19165', body: hi + done, finish: 'none' },
];
