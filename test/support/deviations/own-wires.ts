/** Wires of their own that some services speak where a chat completion was asked for. */
import { counts, done, event, type Deviation } from './deviation.ts';

const usage: [number, number] = [3, 2];

export const ownWires: Deviation[] = [
  {
    name: 'Cloudflare Workers AI',
    seen: 'its own shape',
    body:
      event({ response: 'H', p: 'abcd' }) +
      event({ response: 'i' }) +
      event({ response: '', usage: counts }) +
      done,
    usage,
  },
  {
    name: 'llama.cpp',
    seen: 'its own shape',
    body:
      event({ index: 0, content: 'H', tokens: [1], stop: false, id_slot: 0 }) +
      event({ index: 0, content: 'i', stop: false }) +
      event({
        content: '',
        stop: true,
        stop_type: 'eos',
        tokens_predicted: 2,
        tokens_evaluated: 3,
      }),
    usage,
  },
  {
    name: 'Ollama',
    seen: 'its own shape',
    body: [
      { model: 'm', message: { role: 'assistant', content: '', thinking: 'hm' }, done: false },
      { model: 'm', message: { role: 'assistant', content: 'Hi' }, done: false },
      {
        ...{ model: 'm', message: { role: 'assistant', content: '' }, done: true },
        ...{ done_reason: 'stop', prompt_eval_count: 3, eval_count: 2 },
      },
    ]
      .map((one) => `${JSON.stringify(one)}\n`)
      .join(''),
    thought: 'hm',
    usage,
  },
  {
    name: 'TGI',
    seen: 'its own shape',
    body:
      'data:{"index":1,"token":{"id":1,"text":"H","special":false},"generated_text":null}\n\n' +
      'data:{"index":2,"token":{"id":2,"text":"i","special":false},"generated_text":null}\n\n' +
      'data:{"index":3,"token":{"id":3,"text":"</s>","special":true},"generated_text":"Hi","details":{"finish_reason":"eos_token","generated_tokens":2,"input_length":3}}\n\n',
    usage,
  },
  {
    name: 'Anthropic',
    seen: 'its own shape',
    body: [
      ['message_start', { message: { usage: { input_tokens: 3, output_tokens: 1 } } }],
      ['content_block_start', { index: 0, content_block: { type: 'thinking', thinking: '' } }],
      ['ping', {}],
      ['content_block_delta', { index: 0, delta: { type: 'thinking_delta', thinking: 'hm' } }],
      ['content_block_delta', { index: 0, delta: { type: 'signature_delta', signature: 'x' } }],
      ['content_block_stop', { index: 0 }],
      ['content_block_start', { index: 1, content_block: { type: 'text', text: '' } }],
      ['content_block_delta', { index: 1, delta: { type: 'text_delta', text: 'Hi' } }],
      ['content_block_stop', { index: 1 }],
      ['message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 2 } }],
      ['message_stop', {}],
    ]
      .map(
        ([type, fields]) => `event: ${type as string}\n${event({ type, ...(fields as object) })}`,
      )
      .join(''),
    thought: 'hm',
    usage,
  },
  {
    name: 'Anthropic',
    seen: 'its own error',
    body: `event: error\n${event({ type: 'error', error: { type: 'overloaded_error', message: 'x' } })}`,
    text: '',
    error: 503,
  },
  {
    name: 'Cohere',
    seen: 'its own shape',
    body: [
      { type: 'message-start', id: 'x', delta: { message: { role: 'assistant' } } },
      {
        type: 'content-start',
        index: 0,
        delta: { message: { content: { type: 'text', text: '' } } },
      },
      { type: 'content-delta', index: 0, delta: { message: { content: { thinking: 'hm' } } } },
      { type: 'content-delta', index: 0, delta: { message: { content: { text: 'Hi' } } } },
      { type: 'content-end', index: 0 },
      {
        type: 'message-end',
        delta: {
          finish_reason: 'COMPLETE',
          usage: { tokens: { input_tokens: 3, output_tokens: 2 } },
        },
      },
    ]
      .map((one) => `event: ${one.type}\n${event(one)}`)
      .join(''),
    thought: 'hm',
    usage,
  },
];
