/** Answers that the model's service compresses. */
import { describe, expect, it } from 'vitest';
import type { Behaviour } from '../support/upstream/behaviour.ts';
import type { Compression } from '../support/upstream/compression.ts';
import { suiteTarget, unique } from './target.ts';
import { hear, scripted } from './turns.ts';

const target = suiteTarget();
const tokens = ['One ', 'two ', 'three ', 'four ', 'five.'];
const encodings: Compression[] = ['gzip', 'deflate', 'deflate-raw', 'br', 'zstd'];

async function ask(script: Omit<Behaviour, 'vector'>, provider?: 'google') {
  const { model, name } = await scripted(target, script, provider);
  const json = { user_id: unique('user'), message: 'Count.', model };
  return { stream: await target.stream('/conversations', { json }), name };
}

// They wait most of the time, and each has a model and a conversation of its own.
describe.each(encodings)('an answer in %s', { concurrent: true }, (compressed) => {
  it.each([
    ['token by token', {}],
    ['at once', { burst: true }],
    ['in pieces of three bytes', { pieceBytes: 3 }],
    ['with reasoning, which takes the slower way', { reasoning: ['Hm. '] }],
  ])('that comes %s is decoded', async (_, pace) => {
    const { stream } = await ask({ tokens, compressed, ...pace });
    expect(await hear(stream)).toMatchObject({
      text: tokens.join(''),
      terminal: 'turn.completed',
      end: { message: { status: 'complete' } },
    });
  });

  it('of another wire is decoded', async () => {
    const { stream } = await ask({ tokens, compressed }, 'google');
    expect(await hear(stream)).toMatchObject({ text: tokens.join(''), terminal: 'turn.completed' });
  });

  it('is told while it comes, not at its end', async () => {
    const { stream, name } = await ask({ tokens, compressed, delayMs: { between: 1_000 } });
    await stream.next('message.delta');
    const [request] = await target.upstream.requests(name);
    expect(request?.tokensWritten).toBeLessThan(tokens.length);
    expect((await hear(stream)).text).toBe(tokens.join(''));
  });

  it.each([
    ['ends too early', 'eof'],
    ['cannot be decoded', 'corrupt'],
    ['is closed', 'close'],
    ['is reset', 'reset'],
  ] as const)('that %s in the middle is interrupted', async (_, how) => {
    // What arrives together with the fault may be lost.
    const delayMs = { between: 100 };
    const { stream } = await ask({ tokens, compressed, delayMs, fault: { how, afterTokens: 3 } });
    expect(await hear(stream)).toMatchObject({
      text: 'One two three ',
      terminal: 'turn.failed',
      end: { message: { status: 'interrupted', content: 'One two three ' } },
    });
  });

  it('that refuses is understood', async () => {
    const { stream } = await ask({ compressed, status: { code: 429, retryAfter: 7 } });
    expect((await hear(stream)).end.error).toMatchObject({ status: 429, retry_after: 7 });
  });
});
