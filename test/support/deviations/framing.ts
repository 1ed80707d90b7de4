/** How services frame their events. */
import { chunk, counts, end, hi, type Deviation } from './deviation.ts';

export const framing: Deviation[] = [
  {
    name: 'lines that end in CRLF',
    seen: 'cc-switch#1787',
    body: (hi + end).replaceAll('\n', '\r\n'),
  },
  { name: 'lines that end in CR', seen: 'the SSE rules', body: (hi + end).replaceAll('\n', '\r') },
  {
    name: 'no space after data:',
    seen: 'openai-python#498, Ling',
    body: (hi + end).replaceAll('data: ', 'data:'),
  },
  { name: 'a byte order mark', seen: 'own', body: `\uFEFF${hi}${end}` },
  {
    name: 'comments',
    seen: 'OpenRouter, openai-go#227',
    body: `: OPENROUTER PROCESSING\n\n${hi}: on\n${end}`,
  },
  { name: 'no empty lines', seen: 'own', body: (hi + end).replaceAll('\n\n', '\n') },
  { name: 'ids and retry times', seen: 'the SSE rules', body: `id: 1\nretry: 9\n${hi}${end}` },
  { name: 'no end mark', seen: 'own', body: hi + chunk({}, 'stop') },
  { name: 'no line end at the end', seen: 'own', body: (hi + chunk({}, 'stop')).trimEnd() },
  {
    name: 'JSON over several data lines',
    seen: 'the SSE rules',
    body: hi.replace('"choices"', '\ndata: "choices"') + end,
  },
  { name: 'events without data', seen: 'copilot-api#88', body: `${hi}data: \n\ndata:\n\n${end}` },
  {
    name: 'pings',
    seen: 'copilot-api#88',
    body: `event: ping\ndata: {"type":"ping"}\n\n${hi}event: ping\ndata: {}\n\n${end}`,
  },
  {
    name: 'pings that are no JSON',
    seen: 'own',
    body: `event: heartbeat\ndata: .\n\ndata: ping\n\n${hi}${end}`,
  },
  {
    name: 'lines of JSON, unframed',
    seen: 'Ollama’s own API',
    body: (hi + end).replaceAll('data: ', '').replace('[DONE]', ''),
  },
  {
    name: 'a whole answer',
    seen: '9router#3492',
    body: JSON.stringify({
      object: 'chat.completion',
      choices: [{ message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
      usage: counts,
    }),
    usage: [3, 2],
  },
  {
    name: 'a whole answer, indented',
    seen: 'own',
    body: JSON.stringify(
      { choices: [{ message: { content: 'Hi' }, finish_reason: 'stop' }] },
      null,
      2,
    ),
  },
];
