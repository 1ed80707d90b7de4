/**
 * The version of the code that derives chunks (`split.ts`) and words (`src/text/words.ts`) from a
 * text. Raise it when either derives something else from the same text; `npm run reindex` then
 * analyses older documents again. Documents from before there were versions have none.
 */
export const ANALYSIS_VERSION = 5;
