/**
 * Decodes bytes to text: by their first bytes, by the declared charset, and by what they look like.
 */
import { countControls, isTooMany } from './control-characters.ts';
import { guessCharset } from './guess-charset.ts';

export interface DecodedText {
  text: string;
  /** The charset that was used, as the Encoding standard names it. */
  charset: string;
}

/** Bytes at the start of a page or an XML file that are searched for its charset. */
const HEAD = 4096;
/** Bytes that are examined for UTF-16. */
const SAMPLE = 4096;

/**
 * Decodes bytes by their byte order mark; by the declared charset, if they fit it; as UTF-8, if
 * nearly all of them are; else by the most plausible charset. Never fails.
 */
export function decodeText(bytes: Uint8Array, mimeType: string | undefined): DecodedText {
  const head = new TextDecoder('windows-1252').decode(bytes.subarray(0, HEAD));
  const marked = markedCharset(bytes);
  if (marked) return decodeAs(bytes, marked);
  const wide = wideCharset(bytes);
  const said = saidCharset(head, mimeType);
  if (said !== undefined && !(said === 'utf-8' && wide)) {
    const decoded = tryDecode(bytes, said);
    if (decoded) return decoded;
  }
  if (wide) return decodeAs(bytes, wide);
  const exact = tryDecode(bytes, 'utf-8');
  if (exact) return /\x1b\$[@B]/.test(head) ? decodeAs(bytes, 'iso-2022-jp') : exact;
  const lenient = decodeAs(bytes, 'utf-8');
  if (isMostlySound(lenient.text)) return lenient;
  // The declared charset may still be right except for a few bytes.
  if (said !== undefined && said !== 'utf-8') return decodeAs(bytes, said);
  return decodeAs(bytes, guessCharset(bytes));
}

function markedCharset([first, second, third]: Uint8Array): string | undefined {
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  return first === 0xef && second === 0xbb && third === 0xbf ? 'utf-8' : undefined;
}

/**
 * Returns the declared charset. A page that declares UTF-16 in ASCII is not UTF-16 (HTML
 * §13.2.3.2).
 */
function saidCharset(head: string, mimeType: string | undefined): string | undefined {
  const inType = /charset\s*=\s*"?([\w.:-]+)/i.exec(mimeType ?? '')?.[1];
  const inPage =
    /<meta[^>]{0,200}charset\s*=\s*["']?([\w.:-]+)/i.exec(head)?.[1] ??
    /^\s*<\?xml[^>]{0,100}encoding\s*=\s*["']([\w.:-]+)/i.exec(head)?.[1];
  const said = nameOf(inType) ?? nameOf(inPage);
  return inType === undefined && said?.startsWith('utf-16') ? 'utf-8' : said;
}

function nameOf(label: string | undefined): string | undefined {
  if (label === undefined) return undefined;
  try {
    return new TextDecoder(label).encoding;
  } catch {
    return undefined;
  }
}

/**
 * Detects UTF-16 without a mark: every other byte of ASCII text is NUL, and hardly any other byte
 * is.
 */
function wideCharset(bytes: Uint8Array): string | undefined {
  const nuls = [0, 0];
  const sample = bytes.subarray(0, SAMPLE);
  sample.forEach((byte, at) => {
    if (byte === 0) nuls[at % 2]!++;
  });
  const [even = 0, odd = 0] = nuls;
  const half = sample.length / 2;
  if (half < 2) return undefined;
  if (odd > half * 0.4 && even < half * 0.02) return 'utf-16le';
  if (even > half * 0.4 && odd < half * 0.02) return 'utf-16be';
  return wideByLetters(sample, even + odd);
}

/**
 * Detects UTF-16 of other scripts. It has few NULs, only those of spaces and line ends, which no
 * other encoding has.
 */
function wideByLetters(sample: Uint8Array, nuls: number): string | undefined {
  const narrow = tryDecode(sample, 'utf-8');
  // In UTF-16, letters of Cyrillic, Greek or Thai look like control characters beside ASCII.
  const isNarrow = narrow !== undefined && !isTooMany(countControls(narrow.text), sample.length);
  if (nuls === 0 || sample.length % 2 !== 0 || isNarrow) return undefined;
  const scores = ['utf-16le', 'utf-16be'].map((charset) => {
    const text = tryDecode(sample, charset)?.text ?? '';
    const letters = text.match(/[\p{L}\p{M}\s\p{P}\p{N}]/gu)?.length ?? 0;
    const isOneScript = !/[\u0000\ufffd\ue000-\uf8ff]/u.test(text);
    return { charset, share: isOneScript ? letters / (sample.length / 2) : 0 };
  });
  const best = scores.reduce((a, b) => (b.share > a.share ? b : a));
  return best.share > 0.95 ? best.charset : undefined;
}

/**
 * Returns true for UTF-8 with a few wrong bytes. Hardly any sequence of another charset is valid by
 * chance.
 */
function isMostlySound(text: string): boolean {
  const broken = text.match(/\ufffd+/g)?.length ?? 0;
  const sound = text.match(/[^\x00-\x7f\ufffd]/gu)?.length ?? 0;
  return sound >= 2 * broken;
}

function decodeAs(bytes: Uint8Array, charset: string): DecodedText {
  const decoder = new TextDecoder(charset);
  return { text: decoder.decode(bytes), charset: decoder.encoding };
}

function tryDecode(bytes: Uint8Array, charset: string): DecodedText | undefined {
  try {
    const decoder = new TextDecoder(charset, { fatal: true });
    return { text: decoder.decode(bytes), charset: decoder.encoding };
  } catch {
    return undefined;
  }
}
