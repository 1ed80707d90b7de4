/** Numbers and times as the reader's language writes them. */
import { language } from './words.ts';

const whole = new Intl.NumberFormat(language);
const short = new Intl.NumberFormat(language, { notation: 'compact' });
const money = new Intl.NumberFormat(language, {
  style: 'currency',
  currency: 'USD',
  maximumSignificantDigits: 3,
});
const day = new Intl.DateTimeFormat(language, { dateStyle: 'medium' });
const moment = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' });
const hour = new Intl.DateTimeFormat(language, { timeStyle: 'short' });
const unit = (name: string) =>
  new Intl.NumberFormat(language, { style: 'unit', unit: name, unitDisplay: 'long' });

export const formatNumber = (value: number) => whole.format(value);
export const formatShort = (value: number) => short.format(value);
export const formatMoney = (dollars: number) => money.format(dollars);
export const formatDay = (time: string) => day.format(new Date(time));

/** Formats a time; one of today without its date. */
export function formatTime(time: string): string {
  const date = new Date(time);
  const isToday = date.toDateString() === new Date().toDateString();
  return (isToday ? hour : moment).format(date);
}

/** Formats a length of time in the largest unit that it fills, such as `2 minutes`. */
export function formatSeconds(seconds: number): string {
  const steps = [
    ['day', 86_400],
    ['hour', 3_600],
    ['minute', 60],
  ] as const;
  const [name, length] = steps.find(([, size]) => seconds >= size) ?? ['second', 1];
  return unit(name).format(Math.ceil(seconds / length));
}

/** Formats a size in bytes, such as `1.2 MB`. */
export function formatBytes(bytes: number): string {
  const [name, size] =
    bytes < 1_000_000 ? (['kilobyte', 1_000] as const) : (['megabyte', 1_000_000] as const);
  return new Intl.NumberFormat(language, {
    style: 'unit',
    unit: name,
    maximumFractionDigits: 1,
  }).format(bytes / size);
}
