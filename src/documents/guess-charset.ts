/**
 * Guesses the charset of bytes that are not UTF-8 and that nothing is known about. In the charsets
 * of China, Japan and Korea, frequent characters have lead bytes that other charsets seldom use.
 * Among alphabets, the most frequent letters decide.
 */

/** Bytes that are examined. */
const SAMPLE = 64 * 1024;

/** A charset with two bytes per character. */
interface DoubleByte {
  charset: string;
  /** Returns the number of bytes of the character at an offset, or 0 if there is none. */
  length(bytes: Uint8Array, at: number): number;
  /**
   * Returns true for a pair that encodes something frequent: kana, syllables, everyday ideographs.
   */
  isFrequent(lead: number, trail: number): boolean;
  /** Share of frequent characters above which the charset is likely. */
  least: number;
  /** Checks for another feature of texts in this charset. */
  hasMark?(pairs: readonly (readonly [number, number])[]): boolean;
}

const isIn = (byte: number, from: number, to: number) => byte >= from && byte <= to;

/** Returns 2 if both bytes are above A0, as in the EUC charsets. */
const eucLength = (bytes: Uint8Array, at: number) =>
  isIn(bytes[at]!, 0xa1, 0xfe) && isIn(bytes[at + 1] ?? 0, 0xa1, 0xfe) ? 2 : 0;

/**
 * In the order in which they are tried. The frequent pairs of the first are also frequent in later
 * ones.
 */
const DOUBLE_BYTE: readonly DoubleByte[] = [
  {
    charset: 'euc-kr',
    length: (bytes, at) =>
      isIn(bytes[at]!, 0x81, 0xfe) && isIn(bytes[at + 1] ?? 0, 0x41, 0xfe) ? 2 : 0,
    isFrequent: (lead, trail) => trail > 0xa0 && (isIn(lead, 0xb0, 0xc8) || isIn(lead, 0xa1, 0xa3)),
    least: 0.92,
  },
  {
    charset: 'euc-jp',
    length: (bytes, at) =>
      bytes[at] === 0x8f ? (eucLength(bytes, at + 1) === 2 ? 3 : 0) : eucLength(bytes, at),
    isFrequent: (lead) => isIn(lead, 0xa1, 0xa5) || isIn(lead, 0xb0, 0xcf),
    least: 0.8,
    // Kana, which do not occur in Chinese texts.
    hasMark: (pairs) => shareOf(pairs, ([lead]) => lead === 0xa4 || lead === 0xa5) > 0.1,
  },
  {
    charset: 'shift_jis',
    length: (bytes, at) => {
      const [lead, trail] = [bytes[at]!, bytes[at + 1] ?? 0];
      if (isIn(lead, 0xa1, 0xdf)) return 1;
      const isLead = isIn(lead, 0x81, 0x9f) || isIn(lead, 0xe0, 0xfc);
      return isLead && isIn(trail, 0x40, 0xfc) && trail !== 0x7f ? 2 : 0;
    },
    isFrequent: (lead) => isIn(lead, 0x81, 0x83) || isIn(lead, 0x88, 0x98),
    least: 0.75,
  },
  {
    charset: 'gb18030',
    length: (bytes, at) => {
      const [lead, trail] = [bytes[at]!, bytes[at + 1] ?? 0];
      if (!isIn(lead, 0x81, 0xfe)) return 0;
      if (isIn(trail, 0x30, 0x39)) return isIn(bytes[at + 2] ?? 0, 0x81, 0xfe) ? 4 : 0;
      return isIn(trail, 0x40, 0xfe) && trail !== 0x7f ? 2 : 0;
    },
    isFrequent: (lead, trail) => trail > 0xa0 && (isIn(lead, 0xb0, 0xd7) || isIn(lead, 0xa1, 0xa3)),
    least: 0.75,
  },
  {
    charset: 'big5',
    length: (bytes, at) => {
      const [lead, trail] = [bytes[at]!, bytes[at + 1] ?? 0];
      const isTrail = isIn(trail, 0x40, 0x7e) || isIn(trail, 0xa1, 0xfe);
      return isIn(lead, 0x81, 0xfe) && isTrail ? 2 : 0;
    },
    isFrequent: (lead) => isIn(lead, 0xa1, 0xc6),
    least: 0.75,
  },
];

/** Share of the characters beyond ASCII that may be broken. */
const MOST_BROKEN = 0.02;

function shareOf<T>(list: readonly T[], test: (item: T) => boolean): number {
  return list.length === 0 ? 0 : list.filter(test).length / list.length;
}

/** Returns how likely a charset is: the share of frequent characters, or 0 if that is too small. */
function likelihood(bytes: Uint8Array, candidate: DoubleByte): number {
  const pairs: [number, number][] = [];
  let broken = 0;
  for (let at = 0; at < bytes.length;) {
    const byte = bytes[at]!;
    const length = byte < 0x80 ? 1 : candidate.length(bytes, at);
    if (length === 0) broken++;
    else if (byte >= 0x80) pairs.push([byte, length === 2 ? (bytes[at + 1] ?? 0) : 0]);
    at += length || 1;
  }
  // The sample may cut the last character.
  if (broken > 1 + pairs.length * MOST_BROKEN || broken > pairs.length) return 0;
  const share = shareOf(pairs, ([lead, trail]) => trail > 0 && candidate.isFrequent(lead, trail));
  return share >= candidate.least && (candidate.hasMark?.(pairs) ?? true) ? share : 0;
}

/** Alphabets whose texts contain hardly any Latin letters, each with its most frequent letters. */
const ALPHABETS: readonly { charset: string; frequent: string }[] = [
  { charset: 'windows-1251', frequent: 'оеаинтсрвлкмд' },
  { charset: 'koi8-r', frequent: 'оеаинтсрвлкмд' },
  { charset: 'ibm866', frequent: 'оеаинтсрвлкмд' },
  { charset: 'iso-8859-5', frequent: 'оеаинтсрвлкмд' },
  { charset: 'windows-1253', frequent: 'αοιετσνηυρπκςά' },
  { charset: 'windows-1255', frequent: 'יוהלאתרבמשםנ' },
  { charset: 'windows-1256', frequent: 'اليمونرتبةعد' },
  { charset: 'windows-874', frequent: 'านรอกเงมยลวดท่้ัีสิต' },
];
/**
 * Share of frequent letters above which an alphabet is likely. In a wrong alphabet it is about a
 * quarter.
 */
const LEAST_FREQUENT = 0.45;
/**
 * Preference for Cyrillic, the most frequent of them, so that chance does not decide in a few
 * words.
 */
const FAVOUR = 1.3;
/** Share of words that mix Latin letters with others; texts in those alphabets have hardly any. */
const MOST_MIXED = 0.3;

function alphabetOf(bytes: Uint8Array): string | undefined {
  const text = latin1(bytes);
  const runs = text.match(/[a-z]?[\x80-\xff]+[a-z]?/gi) ?? [];
  const beside = runs.filter((run) => /[a-z]/i.test(run)).length;
  if (beside > runs.length * MOST_MIXED || !/[\x80-\xff]{3}/.test(text)) return undefined;
  const high = text.match(/[\x80-\xff]/g)?.length ?? 0;
  const scored = ALPHABETS.map(({ charset, frequent }) => {
    const read = new TextDecoder(charset).decode(bytes);
    const share =
      Array.from(read.toLowerCase()).filter((letter) => frequent.includes(letter)).length / high;
    return { charset, share: share * caseFactor(read) * (charset === 'windows-1251' ? FAVOUR : 1) };
  });
  const best = scored.reduce((a, b) => (b.share > a.share ? b : a));
  return best.share >= LEAST_FREQUENT ? best.charset : undefined;
}

/**
 * Lowers the score of text with capitals behind small letters, which nobody writes: KOI8 has
 * capitals where windows-1251 has small letters.
 */
function caseFactor(text: string): number {
  const odd = text.match(/\p{Ll}\p{Lu}/gu)?.length ?? 0;
  const letters = text.match(/\p{L}\p{L}/gu)?.length ?? 0;
  return letters === 0 ? 1 : 1 - odd / letters;
}

/** A sign of windows-1252 in a place where a letter must be, as read in windows-1252. */
const SIGN_IN_WORD = /\p{L}[¹³¿¼¾¶±¢£¥¡»]\p{Ll}|\p{Ll}[¹³¿¼¾¶±¢£¥¡]\p{L}/u;

/** Returns the most likely of the charsets for Latin letters. */
function latinCharset(bytes: Uint8Array): string {
  const text = new TextDecoder('windows-1252').decode(bytes);
  if (SIGN_IN_WORD.test(text))
    return /[\x80-\x9f]/.test(latin1(bytes)) ? 'windows-1250' : 'iso-8859-2';
  // Czech and Slovak; no western language combines a caron with these letters.
  if (/[šžŠŽ]/.test(text) && /[ìèøùòï]/.test(text)) return 'windows-1250';
  // Hungarian: its double acutes have the codes of a tilde and a circumflex.
  if (/[õûÕÛ]/.test(text) && /[öü]/.test(text) && /[áéó]/.test(text) && !/[ãèàêâ]/.test(text))
    return 'windows-1250';
  // Turkish; Icelandic has the same letters, but also accents.
  if (/[ðýþ]/.test(text) && /[çüö]/.test(text) && !/[áéíóúæ]/.test(text)) return 'windows-1254';
  return 'windows-1252';
}

function latin1(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** Returns the most likely charset of the bytes, as the Encoding standard names it. */
export function guessCharset(all: Uint8Array): string {
  const bytes = all.subarray(0, SAMPLE);
  let best = { charset: '', likelihood: 0 };
  for (const candidate of DOUBLE_BYTE) {
    const found = likelihood(bytes, candidate);
    if (found > best.likelihood) best = { charset: candidate.charset, likelihood: found };
    // Its frequent characters are also frequent in the charsets that follow.
    if (found > 0 && candidate.charset.startsWith('euc')) break;
  }
  return best.charset || (alphabetOf(bytes) ?? latinCharset(bytes));
}
