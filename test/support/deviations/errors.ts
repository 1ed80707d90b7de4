/** How services report errors inside their streams. */
import { chunk, done, end, event, hi, type Deviation } from './deviation.ts';

export const errors: Deviation[] = [
  {
    name: 'an error instead of choices',
    seen: 'OpenAI',
    body: hi + event({ error: { message: 'x', type: 'server_error' } }),
    error: 503,
  },
  {
    name: 'an error beside no choices',
    seen: 'OmniRoute#8210',
    body: hi + event({ choices: [], error: { code: 502, message: 'x' } }) + end,
    error: 502,
  },
  {
    name: 'an error beside a finish',
    seen: 'OpenRouter',
    body: hi + chunk({}, 'stop', { error: { message: 'x' } }) + done,
    error: 'unknown',
  },
  {
    name: 'the finish error',
    seen: 'OpenRouter, local-operator#223',
    body: hi + chunk({ content: '' }, 'error', { error: { code: 429, message: 'x' } }) + done,
    error: 429,
  },
  {
    name: 'an error within the choice',
    seen: 'genkit#6079',
    body: hi + event({ choices: [{ index: 0, delta: {}, error: { code: '429' } }] }) + done,
    error: 429,
  },
  {
    name: 'an error of Groq’s',
    seen: 'Groq',
    body: hi + chunk({}, 'stop', { x_groq: { error: 'over_capacity' } }) + done,
    error: 503,
  },
  {
    name: 'an event of the type error',
    seen: 'Groq',
    body: `${hi}event: error\ndata: {"message":"x","code":"rate_limit_exceeded"}\n\n`,
    error: 429,
  },
  {
    name: 'an error that is no object',
    seen: 'FastChat',
    body: hi + event({ object: 'error', message: 'x', code: 50_002 }),
    error: 'unknown',
  },
  {
    name: 'an error as a text',
    seen: 'Ollama',
    body: `${hi}${event({ error: 'model runner has unexpectedly stopped' })}`,
    error: 'unknown',
  },
  {
    name: 'an error that is not framed',
    seen: 'own',
    body: `${hi}{"error":{"code":429,"message":"x"}}\n`,
    error: 429,
  },
  {
    name: 'what cannot be read',
    seen: 'own',
    body: `${hi}data: {oops\n\n${end}`,
    error: 'unreadable',
  },
  {
    name: 'an error that says nothing',
    seen: 'own',
    body: chunk({ content: 'Hi' }, null, { error: null }) + chunk({}, 'stop', { error: {} }) + done,
  },
];
