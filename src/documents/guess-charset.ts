/**
 * Guesses the charset of bytes that are no UTF-8 and of which nothing is said. In the charsets of
 * China, Japan and Korea the frequent characters have lead bytes of their own, which those of other
 * charsets do not meet; among alphabets, the most frequent letters decide.
 */

/** Bytes that are looked at. */
const SAMPLE = 64 * 1024;

/** A charset of two bytes a character. */
interface DoubleByte {
  charset: string;
  /** How many bytes the character at an offset has; 0 where it is none. */
  length(bytes: Uint8Array, at: number): number;
  /** True for a pair that stands for something frequent: kana, syllables, the everyday ideographs. */
  isFrequent(lead: number, trail: number): boolean;
  /** Share of frequent characters from which the charset is likely. */
  least: number;
  /** What else a text in this charset has. */
  hasMark?(pairs: readonly (readonly [number, number])[]): boolean;
}

const isIn = (byte: number, from: number, to: number) => byte >= from && byte <= to;

/** Both bytes above A0, as in the EUC charsets. */
const eucLength = (bytes: Uint8Array, at: number) =>
  isIn(bytes[at]!, 0xa1, 0xfe) && isIn(bytes[at + 1] ?? 0, 0xa1, 0xfe) ? 2 : 0;

/** In the order in which they are tried: the frequent pairs of the first are among those of later ones. */
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
    // Kana, which Chinese texts have not.
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

/** Of a hundred characters beyond ASCII, how many may be broken. */
const MOST_BROKEN = 0.02;

function shareOf<T>(list: readonly T[], test: (item: T) => boolean): number {
  return list.length === 0 ? 0 : list.filter(test).length / list.length;
}

/** How likely the charset is: the share of frequent characters, 0 where it is too small. */
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
  // The last character may be cut.
  if (broken > 1 + pairs.length * MOST_BROKEN || broken > pairs.length) return 0;
  const share = shareOf(pairs, ([lead, trail]) => trail > 0 && candidate.isFrequent(lead, trail));
  return share >= candidate.least && (candidate.hasMark?.(pairs) ?? true) ? share : 0;
}

/** Alphabets whose texts have hardly a Latin letter, with the letters that are most of a text. */
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
/** Share of frequent letters from which an alphabet is likely; in a wrong one they are about a quarter. */
const LEAST_FREQUENT = 0.45;
/** Cyrillic is the most frequent of them: in a few words, chance must not decide. */
const FAVOUR = 1.3;
/** Share of words that mix Latin letters with others: in those alphabets there are hardly any. */
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

/** Nobody writes capitals behind small letters: KOI8 has them where windows-1251 has small ones. */
function caseFactor(text: string): number {
  const odd = text.match(/\p{Ll}\p{Lu}/gu)?.length ?? 0;
  const letters = text.match(/\p{L}\p{L}/gu)?.length ?? 0;
  return letters === 0 ? 1 : 1 - odd / letters;
}

/** A sign that windows-1252 has where a letter must be, as read in windows-1252. */
const SIGN_IN_WORD = /\p{L}[¹³¿¼¾¶±¢£¥¡»]\p{Ll}|\p{Ll}[¹³¿¼¾¶±¢£¥¡]\p{L}/u;

/** Which of the charsets for Latin letters. */
function latinCharset(bytes: Uint8Array): string {
  const text = new TextDecoder('windows-1252').decode(bytes);
  if (SIGN_IN_WORD.test(text))
    return /[\x80-\x9f]/.test(latin1(bytes)) ? 'windows-1250' : 'iso-8859-2';
  // Czech and Slovak; no western language has a caron beside these.
  if (/[šžŠŽ]/.test(text) && /[ìèøùòï]/.test(text)) return 'windows-1250';
  // Hungarian: its double acutes stand where a tilde and a circumflex are.
  if (/[õûÕÛ]/.test(text) && /[öü]/.test(text) && /[áéó]/.test(text) && !/[ãèàêâ]/.test(text))
    return 'windows-1250';
  // Turkish; Icelandic has the same letters with accents beside them.
  if (/[ðýþ]/.test(text) && /[çüö]/.test(text) && !/[áéíóúæ]/.test(text)) return 'windows-1254';
  return 'windows-1252';
}

function latin1(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** The charset that bytes are most likely in, as the Encoding standard names it. */
export function guessCharset(all: Uint8Array): string {
  const bytes = all.subarray(0, SAMPLE);
  let best = { charset: '', likelihood: 0 };
  for (const candidate of DOUBLE_BYTE) {
    const found = likelihood(bytes, candidate);
    if (found > best.likelihood) best = { charset: candidate.charset, likelihood: found };
    // Its frequent characters are frequent in those that follow, too.
    if (found > 0 && candidate.charset.startsWith('euc')) break;
  }
  return best.charset || (alphabetOf(bytes) ?? latinCharset(bytes));
}
