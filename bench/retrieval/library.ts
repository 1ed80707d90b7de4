/** A temporary database with the product's own tables and statements, for measurements. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectFile } from '../../src/host/node/database/libsql-file.ts';
import { keywordText } from '../../src/text/words.ts';
import { offlineEmbedding } from '../../src/models/offline/embedder.ts';
import { headingLineOf } from '../../src/core/document.ts';
import { split } from '../../src/documents/split.ts';
import type { Database } from '../../src/store/database.ts';
import {
  chunkStatements,
  ownerStatement,
  reserveStatement,
  sweepStatements,
} from '../../src/store/search/candidates.ts';
import { SEARCH_TABLES } from '../../src/store/search/tables.ts';

/** What a search reads of the product's documents. */
const DOCUMENTS = `CREATE TABLE documents (
  id TEXT PRIMARY KEY, user_id TEXT NOT NULL, title TEXT NOT NULL, conversation_id TEXT, version INTEGER)`;

export interface Library {
  database: Database;
  file: string;
  remove(): Promise<void>;
}

export async function openLibrary(): Promise<Library> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-retrieval-'));
  const file = join(folder, 'library.db');
  const database = connectFile(`file:${file}`);
  const tables = [DOCUMENTS, `CREATE INDEX documents_by_user ON documents (user_id)`];
  const statements = [...tables, ...SEARCH_TABLES].map((sql) => ({ sql, args: [] }));
  await database.batch(statements, 'write');
  return {
    database,
    file,
    remove: async () => {
      database.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** Ingests one document as the product does; gives back how many chunks it has. @param embed the offline model unless given */
export async function addDocument(
  { database }: Library,
  userId: string,
  document: { id: string; title: string; text: string },
  embed: (text: string) => number[] = offlineEmbedding,
): Promise<number> {
  const chunks = split(document.text || document.title);
  const [, reserved] = await database.batch(
    [ownerStatement(userId), reserveStatement(userId, chunks.length)],
    'write',
  );
  const version = Number(reserved?.rows[0]?.['first']);
  const rows = chunks.map((chunk, ordinal) => {
    const above = headingLineOf({ ...chunk, title: document.title });
    return {
      ...chunk,
      id: version + ordinal,
      ordinal,
      titleWords: keywordText(above),
      textWords: keywordText(chunk.text),
      embedding: embed(`${above}\n${chunk.text}`),
    };
  });
  await database.batch(
    [
      ...chunkStatements({ userId, version, documentId: document.id }, rows),
      {
        sql: 'INSERT OR REPLACE INTO documents (id, user_id, title, version) VALUES (?, ?, ?, ?)',
        args: [document.id, userId, document.title, version],
      },
    ],
    'write',
  );
  return chunks.length;
}

/** Brings the owner's count up to date, as the end of an ingest does. */
export async function settle({ database }: Library, userId: string): Promise<void> {
  await database.batch(sweepStatements('', userId), 'write');
}
