/** The language of a document, as clients name it. */
import * as schemas from '../shared/schemas.ts';

/** The longest tag, in UTF-16 units: RFC 5646 says that 35 are enough for any in use. */
const LONGEST_LANGUAGE = 35;

/** Only the language itself counts, without its region or script. */
export const language = schemas
  .text(LONGEST_LANGUAGE)
  .refine((value) => languageIn(value) !== undefined, 'must be a language tag, such as de or pt-BR')
  .transform((value) => languageIn(value) ?? null);

function languageIn(tag: string): string | undefined {
  try {
    return new Intl.Locale(tag).language;
  } catch {
    return undefined;
  }
}
