/** The words of the page in the reader's language. */
import english from '../languages/en.json';

export type Word = keyof typeof english;
type Values = Readonly<Record<string, string | number>>;

/** The languages besides English; the server chose the page's. */
const OTHERS: Readonly<Record<string, () => Promise<{ default: Partial<typeof english> }>>> = {
  de: () => import('../languages/de.json'),
};

/** The language of the page, for `Intl`. */
export const language = document.documentElement.lang;

const words: Record<Word, string> = {
  ...english,
  ...(await OTHERS[language]?.())?.default,
};

/** Says something, with values in the places of `{name}`. */
export function say(word: Word, values: Values = {}): string {
  return words[word].replaceAll(/\{(\w+)\}/gu, (_, name: string) => String(values[name] ?? ''));
}
