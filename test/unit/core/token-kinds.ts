/** Makers of texts that are no prose, each of about two thousand characters. */
import { createHash } from 'node:crypto';
import type { Random } from '../../faults/random.ts';

type Make = (random: Random) => string;

const WORDS = `the value of a request is read from the server and written to the table when user
  name order message stream token answer first error result update number every between public
  house water country right people freedom education national information development`.split(
  /\s+/u,
);

const word = (random: Random) => WORDS[random.below(WORDS.length)] ?? 'the';
const digits = (random: Random, count: number) => lettersOf('0123456789', count)(random);

function lettersOf(letters: string, count: number): Make {
  const all = Array.from(letters);
  return (random) => times(count, () => all[random.below(all.length)] ?? '', '');
}

function times(count: number, make: () => string, separator: string): string {
  return Array.from({ length: count }, make).join(separator);
}

function bytes(random: Random, count: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(count / 32) }, () =>
    createHash('sha256').update(String(random.next())).digest(),
  );
  return Buffer.concat(blocks).subarray(0, count);
}

function lines(count: number, make: Make, separator = '\n'): Make {
  return (random) => times(count, () => make(random), separator);
}

function between(first: number, last: number, count: number): Make {
  return (random) =>
    times(count, () => String.fromCodePoint(first + random.below(last - first + 1)), '');
}

function uuid(random: Random): string {
  const hex = bytes(random, 16).toString('hex');
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/u, '$1-$2-$3-$4-$5');
}

const capital = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

export const KINDS: Readonly<Record<string, Make>> = {
  'English words': lines(300, word, ' '),
  base64: (random) => bytes(random, 1_500).toString('base64'),
  'base64 in lines': (random) =>
    bytes(random, 1_500).toString('base64').replaceAll(/.{76}/gu, '$&\n'),
  base64url: (random) => bytes(random, 1_500).toString('base64url'),
  hex: (random) => bytes(random, 1_000).toString('hex'),
  'hex in capitals': (random) => bytes(random, 1_000).toString('hex').toUpperCase(),
  'bytes in hex': (random) => bytes(random, 700).toString('hex').replaceAll(/../gu, '$& '),
  UUIDs: lines(50, uuid),
  'short hashes': lines(200, (random) => bytes(random, 4).toString('hex'), ' '),
  base32: lettersOf('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', 2_000),
  base58: lettersOf('123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz', 2_000),
  'random letters': lettersOf('abcdefghijklmnopqrstuvwxyz', 2_000),
  'random capitals': lettersOf('ABCDEFGHIJKLMNOPQRSTUVWXYZ', 2_000),
  digits: lettersOf('0123456789', 2_000),
  numbers: lines(400, (random) => digits(random, 1 + random.below(6)), ' '),
  decimals: lines(200, (random) => `${digits(random, 3)}.${digits(random, 3)}`, ','),
  times: lines(80, (random) => new Date(1.6e12 + random.below(1e9) * 100).toISOString()),
  prices: lines(250, (random) => `$${random.below(2_000)}.${digits(random, 2)}`, ' '),
  addresses: lines(
    60,
    (random) => `https://www.example.com/${word(random)}/${word(random)}?id=${random.below(1e5)}`,
  ),
  JSON: (random) =>
    JSON.stringify(
      Array.from({ length: 30 }, (_, id) => ({
        id,
        name: `${word(random)} ${word(random)}`,
        value: random.below(1e5) / 100,
        tags: [word(random), word(random)],
      })),
    ),
  code: lines(
    50,
    (random) =>
      `  const ${word(random)}${capital(word(random))} = await ${word(random)}(${word(random)});`,
  ),
  'a log': lines(
    30,
    (random) => `2026-11-27T08:00:00.${digits(random, 3)}Z INFO ${word(random)} ${uuid(random)}`,
  ),
  'a table': lines(
    60,
    (random) => `| ${word(random)} | ${random.below(1_000)} | ${word(random)} |`,
  ),
  CSV: lines(
    80,
    (random) =>
      `${word(random)};${random.below(1e4)};${word(random)} ${word(random)};${uuid(random)}`,
  ),
  XML: lines(
    50,
    (random) =>
      `<item id="${random.below(1e4)}"><${word(random)}>${word(random)}</${word(random)}></item>`,
  ),
  'letters of either case': lettersOf(
    'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ',
    2_000,
  ),
  'random words': lines(
    200,
    (random) => lettersOf('abcdefghijklmnopqrstuvwxyz', 2 + random.below(12))(random),
    ' ',
  ),
  'what could not be decoded': lines(300, (random) => `${word(random)}\ufffd\ufffd`, ' '),
  'indented lines': lines(100, (random) => `${' '.repeat(random.below(40))}${word(random)}`),
  constants: lines(150, (random) => `${word(random)}_${word(random)}`.toUpperCase(), ' '),
  'percent signs': (random) => encodeURIComponent(between(0x430, 0x44f, 300)(random)),
  emoji: between(0x1f600, 0x1f64f, 700),
  'other emoji': between(0x1f300, 0x1f5ff, 700),
  families: lines(150, () => '👨‍👩‍👧‍👦👩🏽‍💻🏳️‍🌈❤️‍🔥👍🏿', ''),
  flags: lines(100, () => '🇩🇪🇺🇸🇯🇵🇧🇷🇺🇦', ''),
  'words and emoji': lines(
    200,
    (random) => `${word(random)} ${between(0x1f600, 0x1f64f, 1)(random)}`,
  ),
  mathematics: lettersOf('∀∃∈∉⊂∪∩≤≥≠≈∞∑∏∫√∂∇αβγδ→⇒xy ', 1_000),
  'letters of mathematics': between(0x1d400, 0x1d6a0, 500),
  Braille: between(0x2800, 0x28ff, 700),
  'the phonetic alphabet': lettersOf('ɪəʃʒθðŋæɑɔʊʌɛɜːˈptkbdgszmnrl ', 1_000),
  'wide letters': between(0xff21, 0xff3a, 700),
  'narrow katakana': between(0xff71, 0xff9d, 700),
  katakana: between(0x30a2, 0x30f3, 700),
  'rare Chinese characters': between(0x4e00, 0x9fff, 700),
  'Chinese characters beyond the first plane': between(0x20000, 0x2a6d0, 400),
  'random Hangul': between(0xac00, 0xd7a3, 700),
  'private characters': between(0xe000, 0xefff, 700),
  'digits of Arabic': between(0x660, 0x669, 1_000),
  'accents on accents': lines(200, (random) => `o${between(0x300, 0x33f, 4)(random)}`, ' '),
  hieroglyphs: between(0x13000, 0x1342f, 400),
};
