/** The languages of the pages for people. Each has a file of words in `web/languages`. */
export const LANGUAGES: readonly string[] = ['en', 'de'];

/** The language for those who read none of them. */
export const DEFAULT_LANGUAGE = 'en';

/** The cookie by which a reader has chosen a language on the page. */
const COOKIE = /(?:^|;\s*)parley_language=([a-z]{2})\s*(?:;|$)/u;

/** Returns the language that a reader has chosen, else the one that the browser asks for. */
export function languageFor(cookies = '', accepted = ''): string {
  const chosen = COOKIE.exec(cookies)?.[1] ?? '';
  return LANGUAGES.includes(chosen) ? chosen : preferredLanguage(accepted);
}

/**
 * Returns the language that a reader likes best, of those that there are.
 * @param accepted the header `Accept-Language`, such as `de-CH, de;q=0.9, en;q=0.5`
 */
export function preferredLanguage(accepted = ''): string {
  const wanted = accepted
    .split(',', 20)
    .map((range) => {
      const [tag = '', quality = ''] = range.split(';');
      const [, weight = '1'] = /^\s*q=([\d.]{1,5})\s*$/u.exec(quality) ?? [];
      return { language: tag.trim().toLowerCase().split('-')[0] ?? '', weight: Number(weight) };
    })
    .filter(({ language, weight }) => weight > 0 && LANGUAGES.includes(language))
    .sort((one, other) => other.weight - one.weight);
  return wanted[0]?.language ?? DEFAULT_LANGUAGE;
}
