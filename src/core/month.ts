/** Returns the first millisecond of the next month in UTC. @param time in milliseconds */
export function monthEnd(time: number): number {
  const date = new Date(time);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
}
