import { describe, expect, it } from 'vitest';
import { estimateTokens } from '../../../../src/core/tokens.ts';
import { OutputMeter } from '../../../../src/turns/run/output-meter.ts';

const SENTENCE = 'The quick brown fox jumps over the lazy dog, and nobody knows why. ';

/** Writes until it is too much, and returns what was written. */
function writeUntilStopped(granted: number, delta: string): string {
  const meter = new OutputMeter(granted);
  let written = '';
  do written += delta;
  while (!meter.passes(delta) && written.length < 1_000_000);
  return written;
}

describe('OutputMeter', () => {
  it.each([
    ['English', SENTENCE],
    ['German', 'Der flinke braune Fuchs springt über den faulen Hund, warum auch immer. '],
    ['Chinese', '敏捷的棕色狐狸跳过了那只懒狗，没有人知道为什么。'],
    ['single letters', 'a'],
  ])('stops %s soon after half more than was granted', (_, delta) => {
    const tokens = estimateTokens(writeUntilStopped(1_000, delta));
    expect(tokens).toBeGreaterThan(1_500);
    expect(tokens).toBeLessThan(1_900);
  });

  it('stops nothing that a tokenizer may count as what was granted', () => {
    const meter = new OutputMeter(1_000);
    const written = SENTENCE.repeat(200);
    const most = Math.floor((written.length * 1_450) / estimateTokens(written));
    for (let at = 0; at < most; at += 5)
      expect(meter.passes(written.slice(at, Math.min(at + 5, most)))).toBe(false);
  });

  it('lets a few words be said, however little was granted', () => {
    expect(new OutputMeter(1).passes(SENTENCE)).toBe(false);
  });
});
