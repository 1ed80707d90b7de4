/**
 * What is made of a text: its chunks (`split.ts`) and their words (`src/text/words.ts`). Raise it when
 * either makes something else of the same text; `npm run reindex` then does documents anew that were
 * analysed before. Documents from before there were versions have none.
 */
export const ANALYSIS_VERSION = 1;
