/** Reads the SQL of a Hrana pipeline body, and writes answers that report an SQL error. */
import { asArray, asRecord, asText } from './json.ts';

export interface Statement {
  sql: string;
  /** Positional, then named arguments; blobs as base64 text. */
  args: unknown[];
}

/** Returns all statements of a pipeline, in order, including those of transactions. */
export function readStatements(body: unknown): Statement[] {
  const stored = new Map<unknown, string>();
  return asArray(asRecord(body)['requests']).flatMap((value) => {
    const request = asRecord(value);
    if (request['type'] === 'store_sql') {
      stored.set(request['sql_id'], asText(request['sql']));
      return [];
    }
    return statementsOf(request).map((statement) => readStatement(statement, stored));
  });
}

function statementsOf(request: Record<string, unknown>): Record<string, unknown>[] {
  switch (request['type']) {
    case 'execute':
      return [asRecord(request['stmt'])];
    case 'batch':
      return asArray(asRecord(request['batch'])['steps']).map((step) =>
        asRecord(asRecord(step)['stmt']),
      );
    case 'sequence':
    case 'describe':
      return [request];
    default:
      return [];
  }
}

function readStatement(
  statement: Record<string, unknown>,
  stored: Map<unknown, string>,
): Statement {
  const id = statement['sql_id'];
  const sql =
    id === undefined
      ? asText(statement['sql'])
      : (stored.get(id) ?? `sql_id ${JSON.stringify(id)}`);
  const named = asArray(statement['named_args']).map((argument) => asRecord(argument)['value']);
  return { sql, args: [...asArray(statement['args']), ...named].map(readValue) };
}

function readValue(value: unknown): unknown {
  const { type, value: inner, base64 } = asRecord(value);
  if (type === 'integer') return Number(inner);
  return type === 'blob' ? base64 : (inner ?? null);
}

/** Returns the answer of a server that met this error in the first statement of each request. */
export function sqlErrorAnswer(body: unknown, error: { code: string; message: string }): string {
  const results = asArray(asRecord(body)['requests']).map((value) => {
    const request = asRecord(value);
    const type = asText(request['type']);
    if (type === 'batch')
      return { type: 'ok', response: { type, result: failedBatch(request, error) } };
    if (type === 'execute' || type === 'sequence') return { type: 'error', error };
    return { type: 'ok', response: { type } };
  });
  return JSON.stringify({ baton: null, base_url: null, results });
}

function failedBatch(request: Record<string, unknown>, error: object) {
  const steps = asArray(asRecord(request['batch'])['steps']);
  return {
    step_results: steps.map(() => null),
    step_errors: steps.map((_step, index) => (index === 0 ? error : null)),
    replication_index: null,
  };
}
