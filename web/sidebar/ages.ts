/** Puts conversations into groups by their last change. */
import type { Conversation } from '../api/types.ts';
import { formatMonth } from '../shared/format.ts';
import { say, type Word } from '../shared/words.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/** Names of months by their numbers: to make one takes longer than all else here. */
const names = new Map<number, string>();

/** Returns the conversations in their order, with the name of each group before its first. */
export function groupByAge(items: readonly Conversation[]): (Conversation | string)[] {
  const midnight = new Date().setHours(0, 0, 0, 0);
  const rows: (Conversation | string)[] = [];
  let last: string | undefined;
  for (const item of items) {
    const name = ageOf(new Date(item.updated_at), midnight);
    if (name !== last) rows.push(name);
    rows.push(item);
    last = name;
  }
  return rows;
}

/** A clock that is wrong makes conversations of the future: they are today's. */
function ageOf(time: Date, midnight: number): string {
  const steps: [number, Word][] = [
    [midnight, 'today'],
    [midnight - DAY_MS, 'yesterday'],
    [midnight - 7 * DAY_MS, 'thisWeek'],
  ];
  const step = steps.find(([since]) => time.getTime() >= since);
  return step ? say(step[1]) : nameOf(time);
}

function nameOf(time: Date): string {
  const number = time.getFullYear() * 12 + time.getMonth();
  const name = names.get(number) ?? formatMonth(time);
  names.set(number, name);
  return name;
}
