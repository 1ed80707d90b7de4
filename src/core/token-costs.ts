/**
 * The costs that `tokens.ts` adds up, in tokens per UTF-16 unit. They were fitted to the output of
 * the tokenizer o200k for the Universal Declaration of Human Rights in 532 translations, and for
 * code, data and symbols. A tokenizer knows the common pieces of the scripts that it was trained on
 * and spends up to one token a byte on everything else, so known pieces have a cost of their own.
 */

/** Frequent pairs of letters, grouped by the first: `авж зкл` are the pairs ав, аж, зк and зл. */
const RUSSIAN_PAIRS = `авжзклмнрстц беоры ваеилнос го даеиноуы егдейклмнрст жде за
  иезийлмнстхчюя као лаеиоья маеио наеиноы обвгдейлмнрст пор раеиоу свекоптуя тавеиоруь уд
  ци че ще ыймх ьнся`;

/** The most frequent characters of Chinese, simplified and traditional, and of Japanese. */
const FREQUENT_HAN = `的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年
  过发后作里用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者
  意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新
  己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活
  尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马科
  司五基眼书非则听白却界达光放强即像难且权思王象完设式色路记南品住告类求据程北边這個們來為國說時會對發後過種經學現當沒
  動還進開從實與長機無間問應頭體見話門聲員論處義認條氣題變總電數報結場計`;

const FREQUENT_HANGUL = `의한에하다가이권는리를자사을적제은인유모든진로여국람과어조정으서또동고대신보기도와지받위
  며아그선부공회할수교니등있되법전구간호나된거및노성행누통우종계언존없합장러떠무경생해상육느원포들치야연비예게평결단일요
  관력형차별실라당것화초시격록필발증재활중완주죄함른질표문엄만명반준개민체따목배혼세류양였터강본`;

/** A range of Unicode and the cost of its units. */
export interface Block {
  from: number;
  to: number;
  cost: number;
  /** True for alphabets, where the first letter of a word costs more. */
  isAlphabet?: true;
  /** A unit that forms one of these pairs with the unit before it costs `knownCost`. */
  pairs?: ReadonlySet<number>;
  /** These units cost `knownCost`. */
  units?: ReadonlySet<number>;
  knownCost?: number;
}

export const PAIR_SHIFT = 16;

function pairsOf(groups: string): Set<number> {
  const pairs = new Set<number>();
  for (const [first = '', ...followers] of groups.split(/\s+/u)) {
    for (const follower of followers)
      pairs.add(first.charCodeAt(0) * 2 ** PAIR_SHIFT + follower.charCodeAt(0));
  }
  return pairs;
}

function unitsOf(text: string): Set<number> {
  const units = new Set<number>();
  for (let at = 0; at < text.length; at++) units.add(text.charCodeAt(at));
  return units;
}

const sign = (from: number, to: number, cost: number): Block => ({ from, to, cost });
const alphabet = (from: number, to: number, cost: number): Block => ({
  ...sign(from, to, cost),
  isAlphabet: true,
});

/** The ranges in ascending order; units between them cost `UNKNOWN_SHORT` or `UNKNOWN`. */
export const BLOCKS: readonly Block[] = [
  sign(0x80, 0xbf, 1.3),
  sign(0xd7, 0xd7, 1.3),
  sign(0xf7, 0xf7, 1.3),
  sign(0x250, 0x258, 1.9), // the phonetic alphabet
  alphabet(0x259, 0x259, 0.6), // a letter of Azerbaijani
  sign(0x25a, 0x2ff, 1.9),
  sign(0x300, 0x36f, 1.9), // combining marks
  alphabet(0x370, 0x3ff, 0.4), // Greek
  { ...alphabet(0x400, 0x45f, 0.67), pairs: pairsOf(RUSSIAN_PAIRS), knownCost: 0.11 },
  // Other letters of Cyrillic: those of Kazakh are known, those of Chuvash and Ossetian are not.
  { ...sign(0x460, 0x52f, 1.35), units: unitsOf('ғқңөұүһәҒҚҢӨҰҮҺӘ'), knownCost: 0.8 },
  alphabet(0x530, 0x58f, 0.32), // Armenian
  sign(0x590, 0x5cf, 1.6), // points of Hebrew
  alphabet(0x5d0, 0x5ff, 0.38),
  alphabet(0x600, 0x64a, 0.34), // Arabic
  sign(0x64b, 0x65f, 1.3),
  sign(0x660, 0x66d, 1),
  // Letters of Persian and Urdu, and those of others.
  { ...alphabet(0x66e, 0x6ff, 0.95), units: unitsOf('کگچپژےہںٹڈڑیھ'), knownCost: 0.45 },
  alphabet(0x900, 0x97f, 0.35), // Devanagari
  alphabet(0x980, 0x9ff, 0.36), // Bengali
  alphabet(0xa00, 0xa7f, 0.5), // Gurmukhi
  alphabet(0xa80, 0xaff, 0.38), // Gujarati
  alphabet(0xb00, 0xb7f, 0.6), // Odia
  alphabet(0xb80, 0xbff, 0.4), // Tamil
  alphabet(0xc00, 0xc7f, 0.46), // Telugu
  alphabet(0xc80, 0xcff, 0.42), // Kannada
  alphabet(0xd00, 0xd7f, 0.38), // Malayalam
  alphabet(0xd80, 0xdff, 0.57), // Sinhala
  alphabet(0xe00, 0xe7f, 0.5), // Thai
  sign(0xe80, 0xeff, 1.8), // Lao
  sign(0xf00, 0xfbf, 1.5), // Tibetan
  alphabet(0x1000, 0x105f, 0.67), // Burmese
  sign(0x1060, 0x109f, 2.1),
  alphabet(0x10a0, 0x10ff, 0.33), // Georgian
  sign(0x1200, 0x137f, 2.1), // Ethiopic
  alphabet(0x1780, 0x17ff, 0.62), // Khmer
  sign(0x1f00, 0x1fff, 2), // ancient Greek
  sign(0x2000, 0x206f, 1.1),
  sign(0x2070, 0x20ff, 1.3),
  sign(0x2100, 0x22ff, 1.7),
  sign(0x2300, 0x24ff, 2),
  sign(0x2500, 0x25ff, 1.2),
  sign(0x2600, 0x27bf, 1.1),
  sign(0x3000, 0x303f, 0.8),
  sign(0x3040, 0x309f, 0.85), // hiragana
  sign(0x30a0, 0x30ff, 1), // katakana
  { ...sign(0x4e00, 0x9fff, 1.7), units: unitsOf(FREQUENT_HAN), knownCost: 0.45 },
  { ...sign(0xac00, 0xd7af, 2.2), units: unitsOf(FREQUENT_HANGUL), knownCost: 0.55 },
  sign(0xd800, 0xd834, 2), // halves of surrogate pairs
  sign(0xd835, 0xd835, 1.4), // letters of mathematics
  sign(0xd836, 0xd83b, 2),
  sign(0xd83c, 0xd83e, 0.9), // emoji
  sign(0xd83f, 0xdbff, 2),
  sign(0xdc00, 0xdfff, 1.3),
  sign(0xfb00, 0xfdff, 2.5),
  sign(0xfe00, 0xfe0f, 0.5), // variation selectors
  sign(0xfe10, 0xfeff, 2),
  sign(0xff00, 0xff5f, 1.4),
  sign(0xff60, 0xffef, 1.9),
  sign(0xfffd, 0xfffd, 0.5), // what could not be decoded
];

/**
 * The cost of a unit in no block with two bytes in UTF-8. The range is empty, so that the next unit
 * is looked up again.
 */
export const UNKNOWN_SHORT: Block = sign(1, 0, 2);
/** The cost of a unit in no block with three bytes in UTF-8. */
export const UNKNOWN: Block = sign(1, 0, 2.9);
export const FIRST_OF_THREE_BYTES = 0x800;
