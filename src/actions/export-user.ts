/**
 * Reads everything of a user as lines of JSON, a page at a time: the memory that it takes does not
 * grow with what the user has.
 */
import type { Database } from '../store/database.ts';
import { readRows } from '../store/user-data/read-rows.ts';
import { USER_TABLES } from '../store/user-data/tables.ts';
import {
  dataLine,
  decodePlace,
  firstLine,
  invalidPlace,
  LAST_LINE,
  type LinePlace,
} from '../wire/user-data-view.ts';

/**
 * Returns the lines from a cursor on, several in each text.
 * @param cursor that of the last line that the client has; undefined for the beginning
 * @throws ParleyError `invalid_cursor` before the first text, `database_unavailable`
 */
export function exportUser(
  db: Database,
  { userId, cursor }: { userId: string; cursor: string | undefined },
): AsyncGenerator<string, void> {
  return linesOf(db, userId, cursor === undefined ? undefined : startAt(cursor));
}

/** The tables that have lines, in their order. */
const EXPORTED = USER_TABLES.flatMap((each) =>
  each.type === null ? [] : [{ each, type: each.type }],
);

interface Start extends LinePlace {
  /** Of the table among those that have lines. */
  index: number;
}

function startAt(cursor: string): Start {
  const at = decodePlace(cursor);
  const index = EXPORTED.findIndex(({ type }) => type === at.type);
  const columns = EXPORTED[index]?.each;
  if (!columns || at.place.length !== placeLength(columns)) throw invalidPlace();
  return { ...at, index };
}

/** The number of columns in whose order rows are read; parts are read by their whole first. */
function placeLength({ id, order = [], partOf }: (typeof USER_TABLES)[number]): number {
  return id.length + order.length + (partOf === 'user' ? 0 : 1);
}

async function* linesOf(
  db: Database,
  userId: string,
  start: Start | undefined,
): AsyncGenerator<string, void> {
  if (!start) yield firstLine(userId);
  for (const [index, { each, type }] of EXPORTED.entries()) {
    if (start && index < start.index) continue;
    let after = start?.index === index ? start.place : undefined;
    for (;;) {
      const rows = await readRows(db, each, { userId, after });
      if (rows.length === 0) break;
      yield rows.map(({ row, place }) => dataLine({ type, place }, row)).join('');
      after = rows.at(-1)?.place;
    }
  }
  yield LAST_LINE;
}
