/** One page of a list and, when there is more, the cursor of the next. */
export interface Page<T> {
  items: T[];
  next: string | null;
}

/** @param rows one more than fit on the page, where there are more */
export function pageOf<Row, T>(
  rows: readonly Row[],
  limit: number,
  from: (row: Row) => T,
  cursorOf: (item: T) => string,
): Page<T> {
  const items = rows.slice(0, limit).map(from);
  const last = items.at(-1);
  return { items, next: rows.length > limit && last ? cursorOf(last) : null };
}
