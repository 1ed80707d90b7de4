/**
 * Texts that are awkward on the way: several bytes a character, line breaks of all kinds, pieces of
 * the wires themselves.
 */
import type { Random } from './random.ts';

const pieces = [
  'plain ',
  'ünïcödé ',
  '漢字かな ',
  '👩‍👩‍👧‍👦 ',
  '🏳️‍🌈',
  '\r\n',
  '\n',
  '\r',
  '\n\n',
  '\t',
  '"quoted" \\back\\slash ',
  '\u2028',
  '\u2029',
  'data: x',
  '\n\nevent: turn.completed\ndata: {}\n\n',
  '[DONE]',
  'id: 7',
  ': comment',
  '\uFEFF',
  '𝒳𝒴',
  'e\u0301',
  ' ',
  '{"text":"no"}',
  '</script>',
  '%00%0a',
] as const;

/**
 * So many tokens, joined to a text without a lone half of a pair; some cut a pair in two between
 * them.
 */
export function awkwardTokens(random: Random, count: number): string[] {
  const tokens = Array.from({ length: count }, (_, index) => {
    const length = 1 + random.below(4);
    const parts = Array.from({ length }, () => random.pick(pieces));
    return `${index}${parts.join('')}`;
  });
  if (count >= 2 && random.below(2) === 0) {
    // One pair in two halves, in neighbouring tokens.
    const at = random.below(count - 1);
    tokens[at] += '\uD83D';
    tokens[at + 1] = `\uDE00${tokens[at + 1] ?? ''}`;
  }
  return tokens;
}

/** What a user says: awkward too, and never the same twice. */
export function awkwardMessage(random: Random): string {
  return `${random.word()} ${awkwardTokens(random, 3).join('').replaceAll('\uD83D\uDE00', '')}`.trim();
}

/** About so many characters in long tokens. */
export function longTokens(random: Random, characters: number): string[] {
  const tokens: string[] = [];
  for (let length = 0; length < characters;) {
    const token = awkwardTokens(random, 1).join('').repeat(8);
    tokens.push(token);
    length += token.length;
  }
  return tokens;
}
