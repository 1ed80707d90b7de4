/** Histories: what tells one from another, and that long ones take no time. */
import { describe, expect, it } from 'vitest';
import type { Json } from '../../../src/core/parts.ts';
import { historyHashes, wordsOf } from '../../../src/core/exchange.ts';

const answered = (question: string, answer: string) => ({
  question,
  answer: [{ type: 'text' as const, text: answer }],
});

describe('the words of an answer', () => {
  it('are without thoughts and spare white space', () => {
    const text = '<think>so\nmuch</think>  One\n\ntwo <details type="reasoning" done>x</details>';
    expect(wordsOf(text)).toBe('One two');
    expect(wordsOf('a <think> that never ends')).toBe('a <think> that never ends');
  });

  it.each(['<think>', '<details type="reasoning"'])(
    'are found in time however often it says %s',
    (mark) => {
      const started = performance.now();
      wordsOf(mark.repeat(100_000));
      expect(performance.now() - started).toBeLessThan(2_000);
    },
  );
});

describe('the hash of a history', () => {
  const hashOf = async (owner: string, ...exchanges: ReturnType<typeof answered>[]) =>
    (await historyHashes(owner, exchanges)).at(-1);

  it('is the same for the same words, and another for other words or another owner', async () => {
    const asked = [answered('one', 'two'), answered('three', '')];
    const hash = await hashOf('ann', ...asked);
    expect(await hashOf('ann', answered('one', ' two\n'), answered('three', 'later'))).toBe(hash);
    expect(await hashOf('ben', ...asked)).not.toBe(hash);
    expect(await hashOf('ann', answered('one', 'too'), answered('three', ''))).not.toBe(hash);
    expect(await hashOf('ann', answered('one two', ''), answered('three', ''))).not.toBe(hash);
  });

  it('the hash of each question takes in all that was before it', async () => {
    const exchanges = [answered('one', 'two'), answered('three', 'four'), answered('five', '')];
    const hashes = await historyHashes('ann', exchanges);
    expect(new Set(hashes).size).toBe(3);
    expect(await historyHashes('ann', exchanges.slice(0, 2))).toEqual(hashes.slice(0, 2));
  });

  it('takes in calls and their results, however their JSON is written', async () => {
    const call = (input: Json) => [
      { type: 'tool_call' as const, tool_call_id: 'a', name: 'look', input },
    ];
    const told = (output: Json) => ({
      question: '',
      results: [{ type: 'tool_result' as const, tool_call_id: 'a', output }],
      answer: null,
    });
    const hash = async (input: Json, output: Json) =>
      (await historyHashes('ann', [{ question: 'one', answer: call(input) }, told(output)])).at(-1);
    const first = await hash({ x: 1, y: { z: 2, w: 3 } }, 'rain');
    expect(await hash({ y: { w: 3, z: 2 }, x: 1 }, 'rain')).toBe(first);
    expect(await hash({ x: 1, y: { z: 2, w: 4 } }, 'rain')).not.toBe(first);
    expect(await hash({ x: 1, y: { z: 2, w: 3 } }, 'sun')).not.toBe(first);
  });
});
