/**
 * The costs of words in Latin letters, in tokens. A word is one token as long as the tokenizer
 * knows it, and pairs of letters that are rare make that less likely: each pair adds to the cost of
 * its word, or takes from what the pairs before it added. The table was fitted to what the
 * tokenizer o200k makes of the words of 532 translations of the Universal Declaration of Human
 * Rights, of English prose, of code and of random letters.
 */

/**
 * The classes of letters: 1 to 26 for a to z, 0 for no letter, and the rest for those with marks.
 */
const CLASSES = 30;
const LATIN_1 = 27;
const LATIN_EXTENDED = 28;
const LATIN_ADDITIONAL = 29;

/**
 * The tokens that a pair adds, by the class of its first and of its second letter; 30 by 30 digits.
 */
const PAIRS = `
  WNNMELLDIPSLMLMOKMICJRSLSJNYfY WcZZShbRZefZTYWgbeTSSafddWZdlm WXgdaSfZVaVdNacXhdQLWadaiWgjuY
  WZlWZPiaXVhQUeiSghPXOahflVflfq WffoecmbiiticlcenkeXjiolpeotjW WbgZQdbSefkeabWebYURajccXefqlv
  WXkkdUUZdZkfRffYgbRVRamfdWhkUM Wisqkcqbglsigpjmqobbkjsopirw9n WcmneYkaifkfYbebkkVXXgmimbklTj
  WXYSOTZKafaXUVRMZcWOQeWfdYXafl WXffVVeZbchRedYVebcTcXkccajhWa WbijXXfbafkbgidchlbSZelelbjmkY
  WafeTWaVebgbZbdZbafUXccjmQnlqf WZejcUkagblfdZfbVjhShemhjcilyZ WcoYSZhTadgdefYafkkQUggjmYhmk4
  WfdaRedUehhaXZVcZiSSXdbVeXgpgx WcjiWVbaafkhRZcXRfPSUdiklalleT WbijZhogflqlchjggZgdeVnjhdlsnW
  WcdfTXeQdfnYZVXbhjbRWhnjnUhoXt WindbcegiksigklgcmjUYkojtcjubo WdldcYldVeohdeiacnUXafmaoWikgY
  WabXSZcObeeXUUTdWdQPRfgbaUdlbg WVigbNfWbXdebdaTgdUZeejceVfdVx WZhgbYibTcjfcfWbiiYVgilfgYlufS
  WahbYZhZcdmhfZeeWdeaZhkiZWgfLk WgngfhjbfmpigdfgfmhcfnpfnflsUq WXaiXWgZfejdaYYcbhdaWbfbeWeiVU
  WWeZSYZRVigaZYUNaaUVYhcYhXYdkf WdoXGgxblheZbnRfhYeWagqi4bdtw5 WvbRL45Sl0hmUmQ0YWSgjzrtxdev7q`;
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const LOWEST = -1.2;
const STEP = 0.06;

const ADDED = Float64Array.from(
  PAIRS.replaceAll(/\s/gu, ''),
  (digit) => LOWEST + STEP * DIGITS.indexOf(digit),
);

/** The tokens that a pair of capitals adds: they are known less often, and any of them costs. */
const CAPITALS_SHARE = 0.7;
const CAPITALS_COST = 0.12;
/** Fitted words are a little too dear for the languages that tokenizers know best. */
const WORD = 0.92;

/** Returns the class of a letter beyond ASCII; 0 for what is no Latin letter. */
export function classOfMarked(unit: number): number {
  if (unit >= 0x250) return unit >= 0x1e00 && unit < 0x1f00 ? LATIN_ADDITIONAL : 0;
  if (unit >= 0x100) return LATIN_EXTENDED;
  return unit < 0xc0 || unit === 0xd7 || unit === 0xf7 ? 0 : LATIN_1;
}

/** A word in the making. */
export interface LatinWord {
  /** The class of its last letter; 0 where there is no word. */
  last: number;
  /** The sum of its pairs. */
  added: number;
}

/** Begins a word, and returns what it costs so far. */
export function beginWord(word: LatinWord, letter: number): number {
  word.last = letter;
  word.added = ADDED[letter] ?? 0;
  return WORD * (1 + Math.max(0, word.added));
}

/** Adds a letter to a word, and returns what it costs. */
export function extendWord(word: LatinWord, letter: number, areCapitals: boolean): number {
  const pair = ADDED[word.last * CLASSES + letter] ?? 0;
  const before = word.added;
  const after = before + (areCapitals ? pair * CAPITALS_SHARE + CAPITALS_COST : pair);
  word.last = letter;
  word.added = after;
  return WORD * ((after > 0 ? after : 0) - (before > 0 ? before : 0));
}
