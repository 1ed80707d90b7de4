/** What services really send is heard as if they had sent what is documented, on both ways. */
import { describe, expect, it } from 'vitest';
import {
  ChatCompletionReader,
  type ChatEnd,
  type ChatPiece,
} from '../../../../src/models/chat-stream/chat-completion-reader.ts';
import { askModel } from './ask-model.ts';
import { chunk, done, event, type Deviation } from '../../../support/deviations/deviation.ts';
import { DEVIATIONS } from '../../../support/deviations/index.ts';

const ways = (['openai', 'groq'] as const).flatMap((provider) =>
  [true, false].map((fastPath) => ({ provider, fastPath })),
);
const UNDECLARED = ['other', 'interrupted', 'error', undefined];

describe.each(DEVIATIONS)('$name ($seen)', (deviation) => {
  it.each(ways)('$provider, fast path: $fastPath', async (way) => {
    for (const size of [1, 7, Infinity]) {
      const heard = await askModel({ body: deviation.body, size, ...way });
      expect(heard).toMatchObject({
        thought: deviation.thought ?? '',
        text: deviation.text ?? 'Hi',
        calls: deviation.calls ?? [],
        error: errorOf(deviation),
      });
      if (deviation.error === undefined) expectEnd(deviation, heard);
    }
  });

  it('is read alike wherever the network cuts it', () => {
    const bytes = Buffer.from(deviation.body);
    const whole = read([bytes]);
    for (let cut = 1; cut < bytes.length; cut++)
      expect(read([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(whole);
  });
});

function errorOf({ error }: Deviation): number | string | undefined {
  return error === 'unreadable' ? 'AI_JSONParseError' : error;
}

function expectEnd(
  { finish = 'stop', usage }: Deviation,
  heard: Awaited<ReturnType<typeof askModel>>,
) {
  if (finish === 'none') expect(UNDECLARED).toContain(heard.finish);
  else expect(heard.finish).toBe(finish);
  expect(heard.usage).toEqual(usage ?? [undefined, undefined]);
}

/** Returns all that the reader tells of a body, its texts joined. */
function read(pieces: Uint8Array[]) {
  const told: { pieces: ChatPiece; end?: ChatEnd; error?: string } = {
    pieces: { thought: '', text: '', refusal: '', toolCalls: [] },
  };
  const reader = new ChatCompletionReader(
    {
      onPiece({ thought, text, refusal, toolCalls }) {
        const { pieces: all } = told;
        told.pieces = {
          thought: all.thought + thought,
          text: all.text + text,
          refusal: all.refusal + refusal,
          toolCalls: [...all.toolCalls, ...toolCalls],
        };
      },
      onRead: () => undefined,
      onEnd: (end) => void (told.end = end),
      onError: (error) => void (told.error = error.name),
    },
    1_000,
  );
  for (const piece of pieces) reader.push(piece);
  reader.end();
  return told;
}

describe('a declared finish', () => {
  const body = chunk({ content: 'All.' }) + chunk({}, 'stop');
  const counts = event({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 1 } });

  it.each(ways.flatMap((way) => (['hold', 'break'] as const).map((after) => ({ ...way, after }))))(
    'stays one when the connection does not end: $after ($provider, fast path: $fastPath)',
    async (way) => {
      const without = await askModel({ body, ...way });
      expect(without).toMatchObject({ text: 'All.', finish: 'stop', error: undefined });
      const withCounts = await askModel({ body: body + counts, ...way });
      expect(withCounts).toMatchObject({ finish: 'stop', usage: [1, 1], error: undefined });
    },
  );

  it.each(ways)('is missing when the connection breaks before it', async (way) => {
    const heard = await askModel({ body: chunk({ content: 'Half' }), after: 'break', ...way });
    expect(heard).toMatchObject({ text: 'Half', error: 'BrokenStreamError' });
  });
});

describe('an answer of another content type', () => {
  const json = JSON.stringify({
    object: 'chat.completion',
    choices: [{ message: { content: 'Hi' }, finish_reason: 'stop' }],
  });
  it.each([
    ['JSON', 'application/json', json],
    ['a stream called text', 'text/plain', chunk({ content: 'Hi' }) + chunk({}, 'stop') + done],
    ['a stream of no type', 'application/octet-stream', chunk({ content: 'Hi' }, 'stop')],
  ])('is read: %s', async (_, contentType, body) => {
    for (const way of ways)
      expect(await askModel({ body, contentType, ...way })).toMatchObject({
        text: 'Hi',
        finish: 'stop',
        error: undefined,
      });
  });

  it('a web page is no answer', async () => {
    for (const way of ways)
      expect(await askModel({ body: '<html>', contentType: 'text/html', ...way })).toMatchObject({
        error: 200,
      });
  });

  it('an error as JSON is told by its status, if that is the client’s to know', async () => {
    const error = (code: number) => JSON.stringify({ error: { code, message: 'x' } });
    const contentType = 'application/json';
    for (const way of ways) {
      expect((await askModel({ body: error(429), contentType, ...way })).error).toBe(429);
      expect((await askModel({ body: error(500), contentType, ...way })).error).toBe(200);
    }
  });
});

it('a line without an end is not gathered for ever', () => {
  const piece = Buffer.alloc(1024 * 1024, 'x');
  const told = read(Array.from({ length: 40 }, () => piece));
  expect(told.error).toBe('BrokenStreamError');
});
