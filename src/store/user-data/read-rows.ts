/** Reads a user's rows for the export: page by page, each after the last row of the one before. */
import { and, eq, getTableColumns, gte, sql, type SQL } from 'drizzle-orm';
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core';
import type { Database, ResultSet, Value } from '../database.ts';
import { isChunkOf } from '../documents/chunks.ts';
import { batch, plain, type TypedStatement } from '../query.ts';
import { text } from '../rows.ts';
import { conversations, documents, fileContents } from '../schema.ts';
import type { UserTable } from './tables.ts';

/** A row with the names and values of its columns, and its place among the user's rows. */
export interface UserRow {
  row: Record<string, unknown>;
  place: readonly Place[];
}

/** A value of one of the columns in whose order rows are read. */
export type Place = string | number;

/** Rows that are read at once, where a table does not say how many. */
const PAGE = 200;

export interface PageRequest {
  userId: string;
  /** The place of the last row that was read; undefined for the first page. */
  after: readonly Place[] | undefined;
}

/** Reads the next rows of a table; none when there are no more. */
export async function readRows(
  db: Database,
  each: UserTable,
  request: PageRequest,
): Promise<UserRow[]> {
  const [rows] = await batch(db, [selectRows(each, request)], 'read');
  return rows;
}

function selectRows(each: UserTable, request: PageRequest): TypedStatement<UserRow[]> {
  const { from, isTheirs, before } = placeOf(each, request.userId);
  const order = [...before, ...(each.order ?? []), ...each.id];
  const shown = Object.entries(getTableColumns(each.table)).filter(
    ([name]) => !each.hidden?.includes(name),
  );
  const columns = sql.join([...shown.map(([, column]) => column), ...order], sql`, `);
  const which = and(isTheirs, isAfter(order, request.after));
  const statement = plain(sql`select ${columns} from ${from} where ${which}
    order by ${sql.join(order, sql`, `)} limit ${each.page ?? PAGE}`);
  // Drizzle knows what each column holds.
  const named = shown as [string, SQLiteColumn][];
  return { ...statement, read: ({ values }: ResultSet) => values.map((row) => rowOf(row, named)) };
}

/** Returns the tables to join and the condition that rows are a user's. */
function placeOf({ table, partOf, by }: UserTable, userId: string) {
  switch (partOf) {
    case 'user':
      return { from: sql`${table}`, isTheirs: eq(by, userId), before: [] };
    case 'conversation':
      return within(conversations, sql`cross join ${table} on ${by} = ${conversations.id}`, userId);
    case 'document':
      return within(documents, sql`cross join ${table} on ${by} = ${documents.id}`, userId);
    case 'content':
      return within(fileContents, sql`cross join ${table} on ${by} = ${fileContents.id}`, userId);
    case 'version':
      return within(documents, sql`cross join ${table} on ${isChunkOf(documents)}`, userId);
  }
}

/** A table whose rows have parts, and a user. */
type Places = typeof conversations | typeof documents | typeof fileContents;

function within(places: Places, join: SQL, userId: string) {
  const isTheirs = eq(places.userId, userId);
  return { from: sql`${places} ${join}`, isTheirs, before: [places.id] };
}

/** The first column by itself as well, by which an index is entered. */
function isAfter(order: readonly SQLiteColumn[], after: PageRequest['after']): SQL | undefined {
  const [first] = order;
  if (!after || !first) return undefined;
  const columns = sql.join([...order], sql`, `);
  const values = sql.join(
    after.map((value) => sql`${value}`),
    sql`, `,
  );
  return and(gte(first, after[0]), sql`(${columns}) > (${values})`);
}

function rowOf(values: readonly Value[], columns: readonly [string, SQLiteColumn][]): UserRow {
  const row = Object.fromEntries(
    columns.map(([name, column], at) => {
      const value = values[at] ?? null;
      return [name, value === null ? null : column.mapFromDriverValue(value)];
    }),
  );
  return { row, place: values.slice(columns.length).map(placed) };
}

/** The columns of an order hold texts and numbers. */
function placed(value: Value): Place {
  return typeof value === 'number' ? value : text(value);
}
