/** The words of the page in the reader's language. */
import type english from '../languages/en.json';

type Words = typeof english;
export type Word = keyof Words;
type Values = Readonly<Record<string, string | number>>;

/** The languages of the page. Each has a file, which is loaded for its readers alone. */
export const LANGUAGES: Readonly<Record<string, () => Promise<{ default: Words }>>> = {
  en: () => import('../languages/en.json', { with: { type: 'json' } }),
  de: () => import('../languages/de.json', { with: { type: 'json' } }),
};

/** The language of the page, for `Intl`; the server chose it. */
export const language = document.documentElement.lang;

const words = (await (LANGUAGES[language] ?? LANGUAGES['en'])?.())?.default;

/** Says something, with values in the places of `{name}`. */
export function say(word: Word, values: Values = {}): string {
  return (words?.[word] ?? word).replaceAll(/\{(\w+)\}/gu, (_, name: string) =>
    String(values[name] ?? ''),
  );
}
