/** Makes libraries of made-up texts, the same ones each time, in a database of their own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectFile } from '../../../../src/host/node/database/libsql-file.ts';
import { migrateFromFolder } from '../../../../src/host/node/database/open.ts';
import { createIngester } from '../../../../src/documents/ingester.ts';
import { prepare } from '../../../../src/documents/prepare.ts';
import { libraries as documentLibraries } from '../../../../src/host/node/libraries.ts';
import { readWordVectors } from '../../../../src/host/node/word-vectors.ts';
import { lazyWordTable } from '../../../../src/models/offline/word-table.ts';
import { createEmbeddingRegistry } from '../../../../src/models/embeddings/registry.ts';
import { networkBy } from '../../../../src/models/http.ts';
import { parseConfig } from '../../../../src/config.ts';
import { pricesOf } from '../../../../src/host/services.ts';
import { noLog } from '../../../support/log.ts';

const wordTable = lazyWordTable(readWordVectors, (error) => {
  throw error;
});

/** Returns numbers from 0 to 1 that look random and are the same for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
}

const SYLLABLES = ['ka', 'lo', 'mi', 'ren', 'tu', 'vas', 'eb', 'or', 'ni', 'sul', 'pek', 'da'];
const VOCABULARY = 1_500;

/** A word of a made-up language: a few are frequent and most are rare, as in any. */
function wordBy(random: () => number): string {
  let rank = Math.floor(VOCABULARY ** random());
  let word = '';
  do {
    word += SYLLABLES[rank % SYLLABLES.length];
    rank = Math.floor(rank / SYLLABLES.length);
  } while (rank > 0);
  return `${word}x`;
}

export function textBy(random: () => number, words: number): string {
  return Array.from({ length: words }, () => wordBy(random)).join(' ');
}

export async function openTestLibrary() {
  const folder = mkdtempSync(join(tmpdir(), 'parley-library-'));
  const db = connectFile(`file:${join(folder, 'library.db')}`);
  await migrateFromFolder(db);
  const off = { apiKey: undefined };
  const embeddings = createEmbeddingRegistry({
    ...{ openai: off, google: off, embeddingModel: 'offline', network: networkBy(fetch) },
    wordTable,
  });
  const ingester = createIngester({
    ...{ db, embeddings, prices: pricesOf(parseConfig({})), log: noLog, leaseMs: 15_000 },
    requireRoom: () => Promise.resolve(),
    prepare: (sent) => prepare(sent, documentLibraries),
  });
  return {
    db,
    embeddings,
    /** Ingests a text; one with `documentId` replaces that document. */
    async add(userId: string, text: string, more: { documentId?: string; title?: string } = {}) {
      const run = await ingester.ingest({
        ...{ principal: { kind: 'anyone', userId }, conversationId: null, sent: { content: text } },
        ...more,
      });
      return run.work();
    },
    close() {
      db.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
