/**
 * Takes the function words out of English contractions, of which `words` would make content words.
 */

/** "won't" and its like are function words as a whole: "won" and "t" would be found by chance. */
const NEGATION = /(?<![\p{L}\p{N}])\p{L}+n['’]t(?![\p{L}\p{N}])/giu;
const ENDING = /(?<=\p{L})['’](?:s|ll|re|ve|d|m)(?![\p{L}\p{N}])/giu;

/** Returns a question without negations such as "won't", and without endings such as "'ll". */
export function withoutContractions(question: string): string {
  return question.replace(NEGATION, ' ').replace(ENDING, '');
}
