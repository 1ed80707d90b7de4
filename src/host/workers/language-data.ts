/**
 * The stemmers and function words of single languages on Workers: a module beside the main one (see
 * `modules.ts`), which stands in for `src/text/language-data.ts` (see `imports` in `package.json`).
 */
import type * as LanguageData from '../../text/language-data.ts';

/** Imports by a name that the bundler cannot follow, so that it leaves the module where it is. */
const moduleAt = (path: string): Promise<unknown> => import(path);

// Made from the module that the type is of.
export const { STEMS, detectLanguage, foreignContent } = (await moduleAt(
  './languages.mjs',
)) as typeof LanguageData;
