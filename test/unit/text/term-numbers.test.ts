import { expect, it } from 'vitest';
import { TermNumbers } from '../../../src/text/term-numbers.ts';
import { loadLanguages } from '../../../src/text/languages.ts';
import { contentTerm, termOf, words } from '../../../src/text/words.ts';

/** Returns the content terms of a text by its words as strings. */
function termsByWords(title: string, text: string, language?: string): string[] {
  const all = words(`${title}\n${text}`, language);
  const content = all.flatMap((word) => contentTerm(word) ?? []);
  return content.length > 0 ? content : all.map(termOf);
}

function expectSame(numbers: TermNumbers, title: string, text: string, language?: string) {
  const terms = termsByWords(title, text, language);
  const read = [...numbers.read({ title, text, language })];
  expect(read, JSON.stringify(text)).toEqual(terms.map((term) => numbers.numberOf(term)));
  expect(Math.min(0, ...read)).toBe(0);
}

const TEXTS = [
  'The flow of air over wings, and what it does to boundary-layers.',
  'ISO 9001, v2.3.1, AB-12/3 and ab12/3; 12:30 on 2024-05-06. x1_y2 -a- ._ a.b-c:d/e_f',
  'Don’t say “naïve” in the café of Zürich – they know ALL-CAPS and Straße 12b.',
  'the of and is was',
  '',
  'Привет, мир! Самолёты летают. مرحبا بالعالم',
  '日本語の文章と English words 12個 and 한국어 문장',
  'Uçağın kanadı için bir araştırma, olarak değil',
  'tabs\tand\u00a0no-break\u2003spaces\u2028lines a\u200bb soft\u00adhyphen ﬁne',
  'emoji 😀 between, half \ud83d of one, \ude00x, and 𝐛𝐨𝐥𝐝 letters after 12-😀-ab-34',
  `${'x'.repeat(200)} ${'7a'.repeat(90)} K\u212a \u0130stanbul ΟΔΟΣ ΟΔΟΣ.`,
  'e\u0301 \u0301e a-\u00e9-b 1-\u00e9-2 v1\u2011x2',
];

it('gives the terms that the words of a text give', async () => {
  await loadLanguages(['de']);
  const numbers = new TermNumbers();
  // Twice, since what is met again is looked up another way.
  for (let round = 0; round < 2; round++)
    for (const title of ['', 'Wind Tunnels › AB-12'])
      for (const text of TEXTS) {
        expectSame(numbers, title, text);
        for (const language of ['de', 'tr', 'en']) expectSame(numbers, title, text, language);
      }
});

it('gives the same for texts of pieces that are put together in any way', () => {
  const numbers = new TermNumbers();
  const pieces = [...TEXTS.flatMap((text) => text.split(/\b/)), ' ', '-', '.', '/', '\n', 'é', '7'];
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 32;
  };
  for (let at = 0; at < 3_000; at++) {
    const count = Math.floor(random() * 12);
    const text = Array.from(
      { length: count },
      () => pieces[Math.floor(random() * pieces.length)] ?? '',
    ).join(random() < 0.5 ? '' : ' ');
    expectSame(numbers, '', text);
  }
});

it('remembers more words than it has room for at first', () => {
  const numbers = new TermNumbers();
  const letters = (at: number) => at.toString(26).replace(/\d/g, (digit) => 'qrstuvwxyz'[+digit]!);
  const text = Array.from({ length: 30_000 }, (_, at) => `${letters(at)}k`).join(' ');
  expectSame(numbers, '', text);
  expectSame(numbers, '', text.toUpperCase());
  expect(numbers.wordCount).toBe(new Set(text.split(' ')).size);
});
