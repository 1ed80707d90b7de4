import { describe, expect, test } from 'vitest';
import { readFileSync } from 'node:fs';
import { offlineEmbedding, OFFLINE_DIMENSIONS } from '../../../src/models/offline/embedder.ts';
import { parseWordVectors } from '../../../src/models/offline/word-vectors.ts';
import { keywordQuery } from '../../../src/search/fts-query.ts';
import { rankCandidates, type Candidate, type RetrievalMode } from '../../../src/search/rank.ts';

const file = new URL('../../../src/models/offline/word-vectors.bin', import.meta.url);
const table = parseWordVectors(readFileSync(file));
const embedQuery = (text: string) => offlineEmbedding(text, { table, isQuery: true });
const embedDocument = (text: string) => offlineEmbedding(text, { table, isQuery: false });
const cosine = (a: number[], b: number[]) => a.reduce((sum, value, at) => sum + value * b[at]!, 0);

function rank(query: string, texts: string[], mode: RetrievalMode = 'hybrid', limit = 10) {
  return rankOf(query, texts, { mode, limit });
}

/** Ranks texts; `documentOf` says of which document each is. */
function rankOf(
  query: string,
  texts: string[],
  options: {
    mode: RetrievalMode;
    limit: number;
    documentOf?: (at: number) => string;
    meaning?: number;
  },
) {
  const { mode, limit, documentOf, meaning = 1 } = options;
  const vector = embedQuery(query);
  const candidates: Candidate[] = texts.map((text, at) => ({
    title: '',
    text,
    ...(documentOf ? { documentId: documentOf(at) } : {}),
    keywordRank: at + 1,
    vectorRank: at + 1,
    cosine: cosine(vector, embedDocument(text)),
  }));
  return rankCandidates({
    mode,
    limit,
    candidates,
    terms: keywordQuery(query).terms,
    statistics: { chunks: texts.length, frequencies: new Map() },
    vectorWeight: 0.1,
    meaning,
  });
}

const TEXTS = [
  'The ferry to the island leaves at nine.',
  'Bread is baked with flour, water, salt and yeast.',
  'The lighthouse keeper lit the lamp of the lighthouse.',
  'A lamp needs oil.',
];

describe('rankCandidates', () => {
  test.each(['hybrid', 'keyword', 'vector'] as const)('%s: best first, scores descend', (mode) => {
    const ranked = rank('lighthouse lamp', TEXTS, mode);
    expect(ranked[0]?.candidate.text).toBe(TEXTS[2]);
    const scores = ranked.map(({ score }) => score);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    expect(scores.every(Number.isFinite)).toBe(true);
  });

  test('a question none of whose words is found is ranked by its vector', () => {
    const ranked = rank('lighthuose lampp', TEXTS);
    expect(ranked[0]?.candidate.text).toBe(TEXTS[2]);
    expect(ranked[0]?.score).toBe(1);
  });

  test('what the query repeats counts for more', () => {
    const texts = ['The bread is here.', 'The lamps are here.'];
    const best = (query: string) => rank(query, texts, 'keyword')[0]?.candidate.text;
    expect(best('bread, and where the lamp is: a lamp')).toBe(texts[1]);
    expect(best('bread, and where the lamp is: the bread')).toBe(texts[0]);
  });

  test('one word three times counts less than two words once', () => {
    const ranked = rank('lamp lamp lamp harbour ferry', ['lamp', 'harbour ferry'], 'keyword');
    expect(ranked.map(({ candidate }) => candidate.text)).toEqual(['harbour ferry', 'lamp']);
  });

  test('ranking is deterministic', () => {
    expect(rank('lighthouse lamp', TEXTS)).toEqual(rank('lighthouse lamp', TEXTS));
  });

  test('near-duplicates do not fill the list', () => {
    const copy =
      'The harbour office opens at eight and closes at five on all working days. '.repeat(3);
    const ranked = rank('harbour office lamp', [copy, `${copy} Indeed.`, copy, ...TEXTS]);
    expect(ranked.filter(({ candidate }) => candidate.text.startsWith('The harbour'))).toHaveLength(
      1,
    );
    expect(ranked).toHaveLength(5);
  });

  test('of versions of a text in several documents two are shown', () => {
    const copy =
      'The harbour office opens at eight and closes at five on all days but Sunday, when the keys of the sheds, the boats and the crane are with the warden of the lighthouse beside the northern pier.';
    const candidates = [copy, `${copy} Indeed.`, copy, `${copy} Always.`].map((text, at) => ({
      ...{ title: '', text, keywordRank: at + 1, vectorRank: null, cosine: null },
      ...{ id: at, documentId: `document ${at}` },
    }));
    const ranked = rankCandidates({
      ...{ mode: 'keyword', limit: 10, candidates, vectorWeight: 0 },
      terms: keywordQuery('harbour office').terms,
      statistics: { chunks: 4, frequencies: new Map() },
    });
    // The two that match best, and the newer of them before the other.
    expect(ranked.map(({ candidate }) => candidate.id)).toEqual([2, 0]);
    const scores = ranked.map(({ score }) => score);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
  });

  test('texts alike but for the word that was asked for are not duplicates', () => {
    const terms =
      'is due within thirty days of its date as agreed in the contract, which names the place of delivery, the price of each part, who bears the risk and which court decides.';
    const invoice = (number: number) => `Invoice ${number} ${terms} ${terms.toUpperCase()}`;
    const ranked = rank('invoice 1002', [invoice(1001), invoice(1002), invoice(1003)]);
    expect(ranked[0]?.candidate.text).toBe(invoice(1002));
    expect(ranked).toHaveLength(2);
  });

  test('coverage says how much of the question a chunk holds', () => {
    const [first, ...others] = rank('lighthouse lamp', TEXTS);
    expect(first?.coverage).toBeCloseTo(1);
    expect(others.at(-1)?.coverage).toBe(0);
  });

  test('a query without words ranks by vector, and no texts give no results', () => {
    expect(rank('???', TEXTS, 'hybrid')).toHaveLength(4);
    expect(rank('lamp', [])).toEqual([]);
  });

  test('among relatives of the best, words of the query are not needed', () => {
    const related = [
      'flutter of wings in transonic flow',
      'flutter of wings and panels in flow',
      'flutter of panels in supersonic flow',
      'flutter of wings in transonic flow with stores',
      'panels in transonic flow',
      ...'soup violin harbour tax orchard chess glacier tailor comet saddle'.split(' '),
    ];
    const ranked = rank('flutter', related).map(({ candidate }) => candidate.text);
    expect(ranked[4]).toBe('panels in transonic flow');
    // Chunks of one document are alike whatever is asked.
    const scoreWhere = (documentOf: (at: number) => string) =>
      rankOf('flutter', related, { mode: 'hybrid', limit: 9, documentOf }).find(
        ({ candidate }) => candidate.text === 'panels in transonic flow',
      )?.score ?? 0;
    expect(scoreWhere(() => 'one')).toBeLessThan(scoreWhere(String));
  });

  test('relatives count for less where the vector holds no meaning', () => {
    const related = ['flutter of wings in flow', 'flutter of panels in flow', 'panels in flow'];
    const others = 'soup violin harbour tax orchard chess glacier tailor comet saddle'.split(' ');
    const scoreAt = (meaning: number) =>
      rankOf('flutter', [...related, ...others], { mode: 'hybrid', limit: 9, meaning }).find(
        ({ candidate }) => candidate.text === 'panels in flow',
      )?.score ?? 0;
    expect(scoreAt(0)).toBeGreaterThan(0);
    expect(scoreAt(0)).toBeLessThan(0.8 * scoreAt(0.1));
  });

  test('relatives of each other do not pass a text that has the whole question', () => {
    const kin = 'flutter wings transonic flow stores pylons tanks'.split(' ');
    const texts = [
      `flutter of the damping kind ${'soup violin tax orchard chess tailor comet saddle '.repeat(3)}`,
      ...kin.slice(1).map((left) => `flutter ${kin.filter((word) => word !== left).join(' ')}`),
      ...'harbour glacier bread lamp island ferry keeper yeast salt water'.split(' '),
    ];
    expect(rank('flutter damping', texts)[0]?.candidate.text).toBe(texts[0]);
    // A question of one word is whole in each of them, which says nothing.
    const alone = 'flutter of soup, violins and a comet, as chess has it';
    const last = rank('flutter', texts.with(0, alone), 'hybrid', 7).at(-1);
    expect(last?.candidate.text).toBe(alone);
    expect(last?.score).toBeLessThan(0.74);
  });

  test('texts that are all alike are no relatives of the best', () => {
    const words = 'minutes council roads schools water budget parks trams bridges lamps'.split(' ');
    // The same words in other orders, of which none is a copy.
    const alike = Array.from({ length: 30 }, (_, at) =>
      words.toSorted((a, b) => a.charCodeAt(at % 5) - b.charCodeAt((at + 1) % 4)).join(' '),
    );
    const texts = [`flutter ${words.join(' ')}`, ...alike];
    const others = rank('flutter', texts, 'hybrid', 31).slice(1);
    expect(others.length).toBeGreaterThan(3);
    expect(Math.max(...others.map(({ score }) => score))).toBe(0);
  });
});

describe('the offline embedder', () => {
  test('gives finite unit vectors, the same for the same text', () => {
    const values = [
      '',
      '???',
      'a',
      'the',
      'lighthouse',
      '機械学習',
      'x'.repeat(10_000),
      'word '.repeat(5_000),
    ];
    const embeddings = values.map(embedDocument);
    for (const embedding of [...embeddings, ...values.map(embedQuery)]) {
      expect(embedding).toHaveLength(OFFLINE_DIMENSIONS);
      expect(Math.hypot(...embedding)).toBeCloseTo(1);
    }
    expect(values.map(embedDocument)).toEqual(embeddings);
  });

  test('words of the same meaning are near each other', () => {
    const query = embedQuery('how do I get my money back');
    const near = cosine(query, embedDocument('Purchases can be refunded'));
    const far = cosine(query, embedDocument('Bread is baked with yeast'));
    expect(near).toBeGreaterThan(far + 0.1);
  });

  test('a long text is not near a question by what all texts have in common', () => {
    const long =
      'The committee recommends that people who have reason to believe that they are affected ' +
      'contact the local authorities, follow the general advice, and provide information about ' +
      'their situation, so that adequate measures can be taken before others are concerned. ';
    for (const [question, answer] of [
      ['what if I fall ill', 'Sickness absence is reported before nine.'],
      ['how do I get my money back', 'Purchases can be refunded.'],
    ] as const) {
      const query = embedQuery(question);
      const near = cosine(query, embedDocument(answer));
      expect(near, question).toBeGreaterThan(cosine(query, embedDocument(long)) + 0.15);
    }
  });

  test('a text of another language has no meaning by chance', () => {
    const german =
      'Der Mietvertrag endet mit Ablauf der Kündigungsfrist, wenn der Vermieter zustimmt.';
    expect(
      embedDocument(german)
        .slice(380)
        .every((value) => value === 0),
    ).toBe(true);
  });

  test('word forms and misspellings are nearer than other words', () => {
    const query = embedQuery('reimbursement of travel costs');
    const near = cosine(query, embedDocument('travelling cost was reimbursed'));
    const typo = cosine(query, embedDocument('reimbursment for travl costs'));
    const far = cosine(query, embedDocument('bread is baked with yeast'));
    expect(near).toBeGreaterThan(far + 0.3);
    expect(typo).toBeGreaterThan(far + 0.3);
  });
});
