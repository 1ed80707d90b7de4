/**
 * `npm run reindex`: embeds all documents with the configured model, while a server may still use
 * the old one.
 */
import { ConfigError } from '../../config.ts';
import { withPriceFile } from '../price-file.ts';
import { reindex } from '../../documents/reindex.ts';
import { migrateFromFolder, openNodeDatabase } from '../node/database/open.ts';
import { httpFetchOf } from '../node/http-client/http-client.ts';
import { createNodeLogger } from '../node/log.ts';
import { readWordVectors } from '../node/word-vectors.ts';
import { embeddingsOf, pricesOf } from '../services.ts';
import { exitOnError } from '../run-main.ts';
import { commandConfig } from './command-config.ts';

/** The interval between lines of progress, in milliseconds. */
const TELL_EVERY_MS = 1_000;

await exitOnError(async () => {
  const config = withPriceFile(commandConfig());
  const embedder = embeddingsOf(config, {
    network: httpFetchOf(config),
    readWordVectors,
    log: createNodeLogger(config),
  }).configured;
  if (!(await embedder.isWhole())) throw new ConfigError('the word vectors cannot be used');
  const db = await openNodeDatabase(config);
  await migrateFromFolder(db);
  console.log(`embedding with ${embedder.name}`);
  let told = 0;
  const services = { db, embedder, prices: pricesOf(config), leaseMs: config.TURN_LEASE_MS };
  const switched = await reindex(services, (progress) => {
    const isDone = progress.documents === progress.totalDocuments;
    if (!isDone && Date.now() - told < TELL_EVERY_MS) return;
    told = Date.now();
    const { documents, totalDocuments, chunks, totalChunks } = progress;
    console.log(`${documents}/${totalDocuments} documents, ${chunks}/${totalChunks} chunks`);
  });
  console.log(switched === 0 ? 'nothing to do' : `${switched} documents are now in its space`);
  db.close();
});
