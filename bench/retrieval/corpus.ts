/** Reads a test collection from a folder: docs.jsonl, queries.jsonl, qrels.jsonl. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Corpus {
  documents: Array<{ id: string; title: string; text: string }>;
  queries: Array<{ id: string; text: string }>;
  /** Query → document → gain, only gains above 0. */
  judgements: Map<string, Map<string, number>>;
}

async function lines(folder: string, name: string): Promise<Array<Record<string, unknown>>> {
  const text = await readFile(join(folder, name), 'utf8');
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/**
 * Reads a collection. Queries without a judgement are left out.
 * @throws if a file is missing or a line is not JSON
 */
export async function readCorpus(folder: string): Promise<Corpus> {
  const [documents, queries, relevant] = await Promise.all(
    ['docs.jsonl', 'queries.jsonl', 'qrels.jsonl'].map((name) => lines(folder, name)),
  );
  const judgements = new Map<string, Map<string, number>>();
  for (const { query, doc, gain } of relevant ?? []) {
    if (!(Number(gain) > 0)) continue;
    const of = judgements.get(String(query)) ?? new Map<string, number>();
    judgements.set(String(query), of.set(String(doc), Number(gain)));
  }
  return {
    documents: (documents ?? []).map((row) => ({
      id: String(row['id']),
      title: typeof row['title'] === 'string' ? row['title'] : '',
      text: typeof row['text'] === 'string' ? row['text'] : '',
    })),
    queries: (queries ?? [])
      .map((row) => ({ id: String(row['id']), text: String(row['text']) }))
      .filter(({ id }) => judgements.has(id)),
    judgements,
  };
}
