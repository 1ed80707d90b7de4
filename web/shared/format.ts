/** Numbers and times as the reader's language writes them. */
import { language } from './words.ts';

const money = { style: 'currency', currency: 'USD', maximumSignificantDigits: 3 } as const;

/** Formats of times, made when they are first used: each takes a millisecond or more. */
const dates = new Map<string, Intl.DateTimeFormat>();

function formatDate(time: Date, options: Intl.DateTimeFormatOptions): string {
  const name = JSON.stringify(options);
  const format = dates.get(name) ?? new Intl.DateTimeFormat(language, options);
  dates.set(name, format);
  return format.format(time);
}

export const formatNumber = (value: number) => value.toLocaleString(language);
export const formatMoney = (dollars: number) => dollars.toLocaleString(language, money);
export const formatDay = (time: string) => formatDate(new Date(time), { dateStyle: 'medium' });
export const formatMonth = (time: Date) => formatDate(time, { month: 'long', year: 'numeric' });

/** Formats a time; one of today without its date. */
export function formatTime(time: string): string {
  const date = new Date(time);
  const isToday = date.toDateString() === new Date().toDateString();
  return formatDate(date, { ...(isToday ? {} : { dateStyle: 'medium' }), timeStyle: 'short' });
}

/** Formats a time to come in the largest unit that it fills, such as `in 2 minutes`. */
export function formatIn(seconds: number): string {
  const steps = [
    ['day', 86_400],
    ['hour', 3_600],
    ['minute', 60],
  ] as const;
  const [unit, length] = steps.find(([, size]) => seconds >= size) ?? (['second', 1] as const);
  return new Intl.RelativeTimeFormat(language).format(Math.ceil(seconds / length), unit);
}

/** Formats a size in bytes, such as `1.2 MB`. */
export function formatBytes(bytes: number): string {
  const units = [
    ['megabyte', 1_000_000],
    ['kilobyte', 1_000],
  ] as const;
  const [unit, size] = units.find(([, least]) => bytes >= least) ?? ['byte', 1];
  const options = { style: 'unit', unit, maximumFractionDigits: 1 } as const;
  return (bytes / size).toLocaleString(language, options);
}
