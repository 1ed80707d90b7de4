/**
 * Formats the numbers of a workbook for reading: dates, percentages, and numbers without the noise
 * of binary fractions.
 */
import { readXml } from './xml.ts';

export interface Formats {
  /** The kind of each cell style. */
  kinds: ('date' | 'time' | 'duration' | 'percent' | 'number')[];
  /** True if days are counted from 1904, as old Macs did. */
  is1904: boolean;
}

const MS_PER_DAY = 86_400_000;
/** Day 0. Excel treats 1900 as a leap year, so days are counted from one day earlier. */
const EPOCH = Date.UTC(1899, 11, 30);
const EPOCH_1904 = Date.UTC(1904, 0, 1);
/** The last day of the year 9999. */
const LAST_DAY = 2_958_465;

export function readFormats(bytes: Uint8Array | undefined, is1904: boolean): Formats {
  const codes = new Map<number, string>();
  const kinds: Formats['kinds'] = [];
  let isCellFormat = false;
  if (bytes)
    readXml(bytes, {
      open(name, attributes) {
        if (name === 'numFmt')
          codes.set(Number(attributes['numFmtId']), attributes['formatCode'] ?? '');
        else if (name === 'cellXfs') isCellFormat = true;
        else if (name === 'xf' && isCellFormat) {
          const id = Number(attributes['numFmtId'] ?? 0);
          kinds.push(kindOf(id, codes.get(id)));
        }
      },
      close(name) {
        if (name === 'cellXfs') isCellFormat = false;
      },
    });
  return { kinds, is1904 };
}

/**
 * Returns the kind of a format: by the number of a built-in format (ECMA-376 18.8.30), else by its
 * letters.
 */
function kindOf(id: number, code: string | undefined): Formats['kinds'][number] {
  if (code === undefined) {
    if ((id >= 14 && id <= 17) || id === 22 || (id >= 27 && id <= 36) || (id >= 50 && id <= 58))
      return 'date';
    if (id === 46) return 'duration';
    if ((id >= 18 && id <= 21) || id === 45 || id === 47) return 'time';
    return id === 9 || id === 10 ? 'percent' : 'number';
  }
  const plain = code.replace(/"[^"]*"|\\.|\[[^\]]*\]/g, '').split(';', 1)[0] ?? '';
  if (/\[[hms]+\]/i.test(code)) return 'duration';
  if (/[yd]/i.test(plain)) return 'date';
  if (/[hs]/i.test(plain)) return 'time';
  return plain.includes('%') ? 'percent' : 'number';
}

/** Returns a number roughly as its cell shows it. Any other value is returned unchanged. */
export function formatCell(value: string, style: number, { kinds, is1904 }: Formats): string {
  const number = Number(value);
  if (value.trim() === '' || !Number.isFinite(number)) return value.trim();
  const kind = kinds[style] ?? 'number';
  if (kind === 'duration') return durationOf(number);
  const isDay = number >= 0 && number <= LAST_DAY;
  if (kind === 'percent') return `${exact(number * 100)}%`;
  if (!isDay || kind === 'number') return exact(number);
  const moment = new Date((is1904 ? EPOCH_1904 : EPOCH) + Math.round(number * MS_PER_DAY));
  const [day = '', time = ''] = moment.toISOString().slice(0, 19).split('T');
  if (kind === 'time' && number < 1) return time;
  return Number.isInteger(number) ? day : `${day} ${time}`;
}

/** Rounds to the digits that Excel keeps. */
function exact(number: number): string {
  return String(Number(number.toPrecision(15)));
}

/** Returns days as hours, minutes and seconds; hours may be more than a day has. */
function durationOf(days: number): string {
  const seconds = Math.round(Math.abs(days) * 86_400);
  const two = (part: number) => String(part).padStart(2, '0');
  const clock = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return `${days < 0 ? '-' : ''}${clock.map(two).join(':')}`;
}
