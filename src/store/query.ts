/**
 * drizzle's query builder on our own `Database`. Queries are built with `query` on the tables of
 * `schema.ts` and run together by `batch`: one transaction and, over HTTP, one request. A query
 * that is asked for often is built once, by `prepare`.
 */
import { Column, fillPlaceholders, getTableColumns, is, SQL, sql } from 'drizzle-orm';
import type { AnyColumn, Placeholder, Query } from 'drizzle-orm';
import { SQLiteAsyncDialect, type SQLiteTable } from 'drizzle-orm/sqlite-core';
import { drizzle } from 'drizzle-orm/sqlite-proxy';
import { NOW, type Database, type Mode, type ResultSet, type Statement } from './database.ts';

/** Builds queries. It has no connection, so that nothing runs outside of a batch. */
export const query = drizzle(() => {
  throw new TypeError('a query runs in a batch');
});

/** A query as drizzle builds it, with the type of its result. */
interface BuiltQuery<Result> {
  readonly _: { readonly result: Result };
  prepare(): PreparedQuery;
}

/** A query that drizzle has prepared: its text, its parameters, and the mapping of its rows. */
interface PreparedQuery {
  getQuery(): Query;
  mapResult(response: unknown, isFromBatch: true): unknown;
}

/** A statement that knows what it gives: typed rows, or what a write without RETURNING changed. */
export interface TypedStatement<Result> extends Statement {
  read(set: ResultSet): Result;
}

/** A write without RETURNING has no rows. */
type Read<Result> = Result extends readonly unknown[] ? Result : ResultSet;

/** Turns a query into a statement of a batch. */
export function statement<Result>(built: BuiltQuery<Result>): TypedStatement<Read<Result>> {
  return fill<Result>(built.prepare(), {});
}

const dialect = new SQLiteAsyncDialect();

/** Turns SQL that the builder cannot say, written on the same tables, into a statement. */
export function plain(text: SQL): Statement {
  const { sql: given, params } = dialect.sqlToQuery(text);
  return { sql: given, args: storable(params) };
}

/** Makes the place of a value that has a name. */
export type Places = (name: string) => Placeholder;

interface Form {
  sql: string;
  params: unknown[];
}

/** The texts of statements that were written once, by their forms. */
const forms = new Map<string, Form>();
/** Most texts that are kept. */
const MOST_FORMS = 500;

/**
 * Turns SQL into a statement as {@link plain} does, once for all that have the same form: these
 * differ in the values of their placeholders alone.
 */
export function formed(
  form: string,
  write: (given: Places) => SQL,
  values: Readonly<Record<string, unknown>>,
): Statement {
  let known = forms.get(form);
  if (!known) {
    if (forms.size >= MOST_FORMS) forms.clear();
    forms.set(form, (known = dialect.sqlToQuery(write((name) => sql.placeholder(name)))));
  }
  return { sql: known.sql, args: storable(fillPlaceholders(known.params, values)) };
}

/** The columns' own encoders have made them values of the database. */
function storable(params: unknown[]): Statement['args'] {
  return params as Statement['args'];
}

/** The placeholders of a prepared query by their names. */
export type Given<Names extends string> = Readonly<Record<Names, Placeholder>>;

const PLACEHOLDERS = new Proxy<Record<string, Placeholder>>(
  {},
  { get: (_, name) => sql.placeholder(String(name)) },
);

/**
 * Prepares a query that is built when it is first asked for, and never again: building takes 15 to
 * 80 µs, filling in values 0.1 µs.
 * @returns a function from the values of the placeholders to a statement
 */
export function prepare<Names extends string, Result>(
  build: (given: Given<Names>) => BuiltQuery<Result>,
): (values: Readonly<Record<Names, unknown>>) => TypedStatement<Read<Result>> {
  let prepared: PreparedQuery | undefined;
  return (values) => {
    // The proxy has a placeholder of every name.
    prepared ??= build(PLACEHOLDERS as Given<Names>).prepare();
    return fill<Result>(prepared, values);
  };
}

function fill<Result>(
  prepared: PreparedQuery,
  values: Record<string, unknown>,
): TypedStatement<Read<Result>> {
  const { sql: text, params } = prepared.getQuery();
  return {
    sql: text,
    args: storable(fillPlaceholders(params, values)),
    read(set) {
      const response = { rows: set.values };
      const mapped = prepared.mapResult(response, true);
      // drizzle maps rows to the query's own type, and leaves a write without rows as it is.
      return (mapped === response ? set : mapped) as Read<Result>;
    },
  };
}

/** A member of a batch: a query, a prepared one with its values, or plain SQL. */
type Asked = BuiltQuery<unknown> | Statement;

/** The result of each member of a batch; a list of statements gives a list. */
export type Results<Queries extends readonly (Asked | readonly Statement[])[]> = {
  -readonly [Index in keyof Queries]: ResultOf<Queries[Index]>;
};

type ResultOf<Query> =
  Query extends TypedStatement<infer Result>
    ? Result
    : Query extends BuiltQuery<infer Result>
      ? Read<Result>
      : Query extends readonly Statement[]
        ? Results<Query>
        : ResultSet;

/**
 * Runs queries as one transaction and reads what each gave.
 * @param queries in their order; a list among them is run in its place
 * @param retryForMs see `Database.batch`
 * @throws ParleyError `database_unavailable`
 */
export async function batch<const Queries extends readonly (Asked | readonly Statement[])[]>(
  db: Database,
  queries: Queries,
  mode: Mode,
  retryForMs?: number,
): Promise<Results<Queries>> {
  const groups = queries.map((asked) => ('length' in asked ? asked : [statementOf(asked)]));
  const sets = await db.batch(groups.flat(), mode, retryForMs);
  let from = 0;
  const results = queries.map((asked, index) => {
    const group = groups[index] ?? [];
    const read = group.map((each, at) => readBy(each, sets[from + at]));
    from += group.length;
    return 'length' in asked ? read : read[0];
  });
  // Each was read as its query says.
  return results as Results<Queries>;
}

function statementOf(asked: Asked): Statement {
  return 'prepare' in asked ? statement(asked) : asked;
}

function readBy(asked: Statement, set: ResultSet | undefined): unknown {
  return set && isTyped(asked) ? asked.read(set) : set;
}

function isTyped(asked: Statement): asked is TypedStatement<unknown> {
  return 'read' in asked;
}

/** Milliseconds since the epoch by the database's clock. */
export const now = sql<number>`${sql.raw(NOW)}`;

/** A whole row: a value, an SQL expression, or the place of a value, for each column. */
export type RowOf<Table extends SQLiteTable> = {
  [Name in keyof Table['$inferSelect']]:
    | Table['$inferSelect'][Name]
    | SQL
    | AnyColumn
    | Placeholder;
};

/** Returns a `SELECT` of one row, for an insert that depends on the condition that follows it. */
export function selectRow<Table extends SQLiteTable>(table: Table, row: RowOf<Table>): SQL {
  const given: Record<string, unknown> = row;
  const values = Object.entries(getTableColumns(table)).map(([name, column]) => {
    const value = given[name];
    return is(value, SQL) || is(value, Column) ? sql`${value}` : sql`${sql.param(value, column)}`;
  });
  return sql`select ${sql.join(values, sql`, `)}`;
}
