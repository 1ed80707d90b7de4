/** A temporary database with the product's own tables and statements, for measurements. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectFile } from '../../src/host/node/database/libsql-file.ts';
import { Programs } from '../../src/host/dev/programs.ts';
import { startSqld } from '../../src/host/dev/start-sqld.ts';
import { migrateFromFolder, openNodeDatabase } from '../../src/host/node/database/open.ts';
import { languageOf, loadLanguages } from '../../src/text/languages.ts';
import { keywordText } from '../../src/text/words.ts';
import { embedDocument } from './embedding.ts';
import { headingLineOf } from '../../src/core/document.ts';
import { split } from '../../src/documents/split.ts';
import type { Database } from '../../src/store/database.ts';
import type { NewChunk } from '../../src/store/documents/chunks.ts';
import { publishDraft } from '../../src/store/documents/publish.ts';
import { registerDocument } from '../../src/store/documents/register.ts';
import { appendToDraft } from '../../src/store/documents/write-draft.ts';

/** Chunks that are stored together. */
const BATCH = 200;
const LEASE_MS = 60_000;

export interface Library {
  database: Database;
  /** The file of the database, or the folder of its server. */
  file: string;
  embeddingModel: string;
  remove(): Promise<void>;
}

/**
 * Opens a library in a `sqld` of its own, which is asked as `npm start` asks it.
 * @param embeddingModel the name under which vectors are stored
 */
export async function openLibraryOnSqld(embeddingModel: string): Promise<Library> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-retrieval-'));
  const programs = new Programs();
  const { url } = await startSqld(programs, folder);
  const database = await openNodeDatabase({ DATABASE_URL: url, HTTP_CLIENT: 'undici' });
  await migrateFromFolder(database);
  return {
    database,
    file: folder,
    embeddingModel,
    remove: async () => {
      database.close();
      await programs.stop();
      await rm(folder, { recursive: true });
    },
  };
}

/** @param embeddingModel the name under which vectors are stored */
export async function openLibrary(embeddingModel = 'bench'): Promise<Library> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-retrieval-'));
  const file = join(folder, 'library.db');
  const database = connectFile(`file:${file}`);
  await migrateFromFolder(database);
  return {
    database,
    file,
    embeddingModel,
    remove: async () => {
      database.close();
      await rm(folder, { recursive: true });
    },
  };
}

/**
 * Ingests one document as the product does.
 * @param embed the offline model unless given
 * @returns how many chunks it has
 */
export async function addDocument(
  library: Library,
  userId: string,
  document: { id: string; title: string; text: string },
  embed: (text: string) => number[] = embedDocument,
): Promise<number> {
  const chunks = split(document.text || document.title);
  const language = await languageOf(document.text);
  await loadLanguages([language]);
  const rows = chunks.map((chunk, ordinal) => {
    const above = headingLineOf({ ...chunk, title: document.title });
    return {
      ...chunk,
      ordinal,
      titleWords: keywordText(above, language),
      textWords: keywordText(chunk.text, language),
      embedding: embed(`${above}\n${chunk.text}`),
    };
  });
  await storeDocument(library, { userId, ...document, language }, rows);
  return chunks.length;
}

interface StoredDocument {
  userId: string;
  id: string;
  title: string;
  language?: string | null;
}

/** Stores a document whose chunks are already embedded, and publishes it. */
export async function storeDocument(
  { database, embeddingModel }: Library,
  { userId, id, title, language = null }: StoredDocument,
  chunks: readonly NewChunk[],
): Promise<void> {
  const about = { id, userId, conversationId: null, title, url: null, mimeType: 'text/plain' };
  // The hash is the id, because two documents of a collection may have the same text.
  const content = { metadata: {}, text: '', contentHash: id, size: 0, charset: null, language };
  const made = { embeddingModel, analysis: 0, chunkCount: chunks.length };
  const document = { ...about, ...content, ...made };
  const registered = await registerDocument(database, document, { leaseMs: LEASE_MS });
  const draft = 'state' in registered ? registered.state.draft : undefined;
  if (!draft) throw new Error(`${id} was not registered`);
  const dimension = chunks[0]?.embedding.length ?? 0;
  for (let done = 0; done < chunks.length; done += BATCH) {
    const added = chunks.slice(done, done + BATCH);
    await appendToDraft(database, draft, {
      chunks: added,
      done: done + added.length,
      dimension,
      calls: [],
    });
  }
  await publishDraft(database, draft, { chunks: [], done: chunks.length, dimension, calls: [] });
}
