/** What of a service's stream is told without its provider, and what the provider sees when it has to judge: never a text twice, never one lost. */

import { describe, expect, it } from 'vitest';
import type { ChunkDialect } from '../../../../src/models/fast-path/chat-completion-chunk.ts';
import { PlainStream } from '../../../../src/models/fast-path/plain-stream.ts';
import type { ModelPart } from '../../../../src/models/push-model.ts';

const openai: ChunkDialect = {
  thoughts: ['reasoning_content', 'reasoning'],
  tellsThoughts: false,
  usage: 'usage',
};
const groq: ChunkDialect = { thoughts: ['reasoning'], tellsThoughts: true, usage: 'x_groq' };

function event(chunk: object): string {
  return `data: ${JSON.stringify({ id: 'c-1', object: 'chat.completion.chunk', ...chunk })}\n\n`;
}
const delta = (fields: object) =>
  event({ choices: [{ index: 0, delta: fields, finish_reason: null }] });
const text = (content: string) => delta({ content });
const opening = delta({ role: 'assistant', content: '' });
const finish = (reason: string) =>
  event({ choices: [{ index: 0, delta: {}, finish_reason: reason }] });
const counts = (prompt_tokens: unknown, completion_tokens: unknown) =>
  event({ choices: [], usage: { prompt_tokens, completion_tokens } });
const done = 'data: [DONE]\n\n';
const plain = [opening, text('Ça '), text('va, '), text('«\n» 😀'), finish('stop')].join('');

/** Feeds a body in pieces of so many bytes. */
function feed(body: string, { dialect = openai, size = 1e9 } = {}) {
  const parts: ModelPart[] = [];
  const answer = new PlainStream(dialect, (part) => parts.push(part));
  const bytes = Buffer.from(body);
  let handed: Buffer | undefined;
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size);
    if (handed) handed = Buffer.concat([handed, piece]);
    else {
      const first = answer.push(piece);
      if (first) handed = Buffer.from(first);
    }
  }
  if (!handed) {
    const last = answer.end();
    if (last) handed = Buffer.from(last);
  }
  return { answer, parts, told: textIn(parts), handed: handed?.toString() };
}

function textIn(parts: ModelPart[]): string {
  return parts.map((part) => ('delta' in part ? part.delta : '')).join('');
}

describe('an answer that is plain', () => {
  it.each([1, 2, 3, 7, 50, 1e9])('is told whole, in pieces of %d bytes', async (size) => {
    const { answer, parts, told, handed } = feed(plain + counts(7, 9) + done, { size });
    expect({ told, handed }).toEqual({ told: 'Ça va, «\n» 😀', handed: undefined });
    expect(parts.at(-1)).toMatchObject({
      type: 'finish',
      finishReason: { unified: 'stop', raw: 'stop' },
      usage: { inputTokens: { total: 7 }, outputTokens: { total: 9 } },
    });
    await answer.whole;
  });

  it('is over when the service says so, whatever the connection does then', async () => {
    const parts: ModelPart[] = [];
    const answer = new PlainStream(openai, (part) => parts.push(part));
    const body = Buffer.from(plain + counts(7, 9) + done);
    expect(answer.push(body.subarray(0, -1))).toBeUndefined();
    expect(answer.isDone).toBe(false);
    expect(answer.push(body.subarray(-1))).toBeUndefined();
    expect(answer.isDone).toBe(true);
    await answer.whole;
    expect(answer.push(Buffer.from(text('more')))).toBeUndefined();
    expect([answer.fail(), answer.end()]).toEqual([undefined, undefined]);
    expect(parts.filter(({ type }) => type === 'finish')).toMatchObject([
      { usage: { inputTokens: { total: 7 } } },
    ]);
    expect(textIn(parts)).toBe('Ça va, «\n» 😀');
  });

  it.each([1, 5, 13, 14, 15, 1e9])(
    'is over when the service says so to its provider, in pieces of %d bytes',
    (size) => {
      const answer = new PlainStream(openai, () => {});
      const body = Buffer.from(delta({ tool_calls: [], refusal: 'no' }) + finish('stop') + done);
      const handed: string[] = [];
      for (let at = 0; at < body.length; at += size) {
        expect(answer.isDone).toBe(false);
        const piece = answer.push(body.subarray(at, at + size));
        handed.push(Buffer.from(piece ?? []).toString());
      }
      expect(answer.isDone).toBe(true);
      expect(handed.join('')).toBe(body.toString());
    },
  );

  const crlf = (body: string) => body.replaceAll('\n\n', '\r\n\r\n');
  const call = delta({ tool_calls: [{ index: 0, id: 'c', function: { name: 'f' } }] });
  it.each([
    ['a plain answer, then a line break', `${plain}${counts(7, 9)}${done}\n`],
    ['a plain answer, then half an event', `${plain}${counts(7, 9)}${done}data: `],
    ['a plain answer, then text', plain + counts(7, 9) + done + text('more')],
    ['a plain answer, then its counts', plain + done + counts(7, 9)],
    ['a plain answer with other line breaks', crlf(plain + done)],
    ['a plain answer, its end written otherwise', plain + done.replace(' ', '')],
    ['a call', call + done],
    ['a call, then something', `${call}${done}\n: zz\n\ndata: `],
    ['a call with other line breaks', crlf(call + done)],
  ])('is over at its end, wherever the reads end: %s', (_, body) => {
    const bytes = Buffer.from(body);
    const told = new Set<string>();
    for (let cut = 1; cut <= bytes.length; cut++) {
      const parts: ModelPart[] = [];
      const answer = new PlainStream(openai, (part) => parts.push(part));
      const pieces = [bytes.subarray(0, cut), bytes.subarray(cut)].map((piece) =>
        answer.push(piece),
      );
      expect(answer.isDone).toBe(true);
      const handed = Buffer.concat(pieces.map((piece) => piece ?? Buffer.of())).toString();
      told.add(
        JSON.stringify([parts.map((part) => ('delta' in part ? '' : part)), textIn(parts), handed]),
      );
      expect(answer.fail()).toBeUndefined();
    }
    // The same whatever came together, but for how the text was cut.
    const ends = [...told].map((one) => JSON.parse(one) as [unknown[], string, string]);
    expect(new Set(ends.map(([, ...rest]) => JSON.stringify(rest))).size).toBe(1);
    expect(ends[0]?.[2]).not.toContain('zz');
  });

  it('counts what is counted after the end', () => {
    for (const late of [[plain + done + counts(7, 9)], [plain + done, counts(7, 9)]]) {
      const parts: ModelPart[] = [];
      const answer = new PlainStream(openai, (part) => parts.push(part));
      for (const piece of late) expect(answer.push(Buffer.from(piece))).toBeUndefined();
      expect(parts.at(-1)).toMatchObject({ type: 'finish', usage: { inputTokens: { total: 7 } } });
    }
  });

  it('is not over where it breaks off after an end without a finish', () => {
    const answer = new PlainStream(openai, () => {});
    expect(answer.push(Buffer.from(opening + text('a') + done + text('b')))).toBeUndefined();
    expect(answer.fail()).toBeDefined();
    expect(answer.isDone).toBe(false);
  });

  it('is not over at an end without a finish', () => {
    const answer = new PlainStream(openai, () => {});
    expect(answer.push(Buffer.from(opening + text('a') + done))).toBeUndefined();
    expect(answer.isDone).toBe(false);
    expect(answer.end()).toBeDefined();
  });

  it.each([
    ['length', 'length'],
    ['content_filter', 'content-filter'],
  ])('may end by %s', (raw, unified) => {
    const { parts, handed } = feed(opening + text('a') + finish(raw) + done);
    expect(handed).toBeUndefined();
    expect(parts.at(-1)).toMatchObject({ finishReason: { unified, raw } });
  });

  it('thinks, and counts where its service does', () => {
    const usage = { prompt_tokens: 3, completion_tokens: null };
    const last = event({
      choices: [{ index: 0, delta: {}, finish_reason: 'stop' }],
      x_groq: { usage },
    });
    const body = delta({ reasoning: 'hm' }) + text('yes') + last + done;
    const { parts, handed } = feed(body, { dialect: groq });
    expect(handed).toBeUndefined();
    expect(parts).toMatchObject([
      { type: 'reasoning-delta', delta: 'hm' },
      { type: 'text-delta', delta: 'yes' },
      {
        type: 'finish',
        usage: { inputTokens: { total: 3 }, outputTokens: { total: undefined } },
      },
    ]);
  });

  it.each(['reasoning', 'reasoning_content'])(
    'may think in %s where its provider does not',
    (name) => {
      const body = opening + delta({ content: null, [name]: 'h\nm' }) + delta({ [name]: 'm' });
      const { parts, handed } = feed(body + text('yes') + finish('stop') + done);
      expect(handed).toBeUndefined();
      expect(parts).toMatchObject([
        { type: 'reasoning-delta', delta: 'h\nmm' },
        { type: 'text-delta', delta: 'yes' },
        { type: 'finish' },
      ]);
    },
  );

  it('may be interrupted by comments and empty deltas', () => {
    const { told, handed } = feed(
      `: wait\n\n: on\n: and on\n\n${opening}${text('a')}${delta({ content: '', tool_calls: [] })}${text('b')}${finish('stop')}`,
    );
    expect({ told, handed }).toEqual({ told: 'ab', handed: undefined });
  });
});

describe('an answer with a padding that differs in each event', () => {
  const padded = (content: string, padding: string, more: object = {}) =>
    event({
      choices: [{ index: 0, delta: { content, ...more }, logprobs: null, finish_reason: null }],
      obfuscation: padding,
    });
  /** What stands between a text and its padding, as a text. */
  const rest = '"},"logprobs":null,"finish_reason":null}],"obfuscation":"';
  const texts = ['one', ' two', '\n"three"', ' \\', rest, `${rest}x"}`, ' 😀', '"', '', ' end'];
  const paddings = ['a1', 'b', '', 'aXbX', 'a1b1', 'x+/=', '_-', 'Zz9', '0', 'a1'];
  const body = texts.map((content, index) => padded(content, paddings[index] ?? '')).join('');

  it.each([1, 7, 1e9])('is told whole, in pieces of %d bytes', (size) => {
    const { told, handed } = feed(opening + body + body + finish('stop') + done, { size });
    expect({ told, handed }).toEqual({ told: texts.join('').repeat(2), handed: undefined });
  });

  it.each([
    ['says more in another field', padded('x', 'p9', { refusal: 'no' })],
    [
      'finishes with a text',
      padded('x', 'q8').replace('"finish_reason":null', '"finish_reason":"stop"'),
    ],
    ['is of another choice', padded('x', 'r7').replace('"index":0', '"index":1')],
    ['has a padding that is no letters', padded('x', 'a","error":"e').replaceAll('\\"', '"')],
  ])('is handed over where an event %s', (_, odd) => {
    const { told, handed } = feed(opening + body + odd + text('later'));
    expect(told).toBe(texts.join(''));
    expect(handed).toBe(opening + padded('one', 'a1') + odd + text('later'));
  });

  it('takes no other difference for a padding', () => {
    const reasons = ['null', '"stop"'].map((reason) =>
      padded('x', 'p').replace('"finish_reason":null', `"finish_reason":${reason}`),
    );
    expect(feed(reasons.join('')).handed).toBe(reasons.join(''));
  });
});

describe('an answer that is not plain', () => {
  const call = delta({ tool_calls: [{ index: 0, id: 'x', function: { name: 'f' } }] });
  it.each([
    ['a tool call', call],
    ['a refusal', delta({ refusal: 'no' })],
    ['an error', event({ error: { message: 'broken' } })],
    ['a frame that is no JSON', 'data: {oops\n\n'],
    ['another choice', event({ choices: [{ index: 1, delta: { content: 'x' } }] })],
    ['two choices', event({ choices: [{ delta: { content: 'x' } }, { delta: { content: 'y' } }] })],
    ['a finish of calls', finish('tool_calls')],
    ['an unknown finish', finish('whim')],
    ['counts that are none', counts('many', 1)],
    ['a field nobody knows', delta({ content: 'x', audio: {} })],
    [
      'a text with its finish',
      event({ choices: [{ delta: { content: 'x' }, finish_reason: 'stop' }] }),
    ],
  ])('is handed over at %s', (_, odd) => {
    const rest = odd + text('later') + done;
    const { told, handed } = feed(opening + text('first ') + text('second ') + rest);
    expect(told).toBe('first second ');
    expect(handed).toBe(opening + text('first ') + rest);
    for (const size of [1, 5, 64]) {
      const cut = feed(opening + text('first ') + text('second ') + rest, { size });
      expect({ told: cut.told, handed: cut.handed }).toEqual({ told, handed });
    }
  });

  it('does not say twice what the provider says of the first text', () => {
    const { answer, parts } = feed(opening + text('first ') + text('second ') + call);
    answer.fromProvider({ type: 'text-delta', id: '0', delta: '' });
    answer.fromProvider({ type: 'text-delta', id: '0', delta: 'first ' });
    answer.fromProvider({ type: 'text-delta', id: '0', delta: 'third' });
    expect(textIn(parts)).toBe('first second third');
  });

  it('thinks by what its provider passes over, and never twice', () => {
    const thought = { choices: [{ index: 0, delta: { reasoning: 'm', reasoning_content: 'm' } }] };
    const { answer, parts, handed } = feed(
      opening + delta({ reasoning_content: 'h' }) + event(thought) + text('yes') + call,
    );
    expect(handed).toBe(opening + event(thought) + text('yes') + call);
    for (const rawValue of [null, 'x', {}, { choices: [null] }, { choices: [{ delta: 7 }] }])
      answer.fromProvider({ type: 'raw', rawValue });
    answer.fromProvider({ type: 'raw', rawValue: thought });
    answer.fromProvider({ type: 'text-delta', id: '0', delta: 'yes' });
    expect(parts).toMatchObject([
      { type: 'reasoning-delta', delta: 'h' },
      { type: 'reasoning-delta', delta: 'm' },
      { type: 'text-delta', delta: 'yes' },
    ]);
  });

  it('has its thoughts told once by a provider that tells them', () => {
    const { answer, parts, handed } = feed(delta({ reasoning: 'hm' }) + call, { dialect: groq });
    expect(handed).toBe(delta({ reasoning: 'hm' }) + call);
    answer.fromProvider({ type: 'raw', rawValue: { choices: [{ delta: { reasoning: 'hm' } }] } });
    answer.fromProvider({ type: 'reasoning-delta', id: '0', delta: 'hm' });
    expect(textIn(parts)).toBe('hm');
  });

  it.each([': wait\n', ': wait\n: on\n', ': wait\r\n', ': wait\r'])(
    'is not taken for the comment that it follows at once: %j',
    (comment) => {
      const rest = comment + text('b') + finish('stop') + done;
      const { told, handed } = feed(opening + text('a') + rest);
      expect({ told, handed }).toEqual({ told: 'a', handed: opening + text('a') + rest });
    },
  );

  it('is all the provider\u2019s when it begins so', () => {
    const { answer, parts, handed } = feed(call + text('a'));
    expect(handed).toBe(call + text('a'));
    answer.fromProvider({ type: 'text-delta', id: '0', delta: 'a' });
    expect(textIn(parts)).toBe('a');
  });

  it('is handed over as it came when its lines end otherwise, or its bytes are no text', () => {
    const crlf = (opening + text('a')).replaceAll('\n', '\r\n');
    expect(feed(crlf)).toMatchObject({ told: '', handed: crlf });
    const parts: ModelPart[] = [];
    const answer = new PlainStream(openai, (part) => parts.push(part));
    const broken = Buffer.concat([Buffer.from('data: '), Buffer.from([0xff]), Buffer.from('\n\n')]);
    expect(Buffer.from(answer.push(broken) ?? [])).toEqual(broken);
    expect(parts).toEqual([]);
  });
});

describe('an answer that breaks off', () => {
  it('without a finish is handed over at its end: the provider knows what that means', () => {
    expect(feed(opening + text('a') + text('b') + done)).toMatchObject({
      told: 'ab',
      handed: opening + text('a') + done,
    });
  });

  it('in the middle of an event is not whole, though a finish had come', () => {
    const { handed, parts } = feed(`${opening}${text('a')}${finish('stop')}data: {"choi`);
    expect(handed).toBe(`${opening}${text('a')}${finish('stop')}data: {"choi`);
    expect(parts.some(({ type }) => type === 'finish')).toBe(false);
  });

  it('by the network shows the provider what was kept', () => {
    const answer = new PlainStream(openai, () => undefined);
    answer.push(Buffer.from(opening + text('a') + text('b')));
    expect(Buffer.from(answer.fail()).toString()).toBe(opening + text('a'));
  });
});
