/**
 * `npm run dev`: runs the product on workerd by `wrangler dev`, with its own `sqld`. Ctrl-C stops
 * everything.
 */
import { mkdirSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { ConfigError, parseConfig, type Config } from '../../config.ts';
import { hasTenants } from '../../core/tenant.ts';
import { loadEnvFile } from '../env-file.ts';
import { withPriceFile } from '../price-file.ts';
import { factsOf, placeOf, printFacts } from '../greeting.ts';
import { migrateFromFolder, openNodeDatabase } from '../node/database/open.ts';
import { createNodeLogger } from '../node/log.ts';
import { addressOf, exitOnError, requireAuthOffLoopback } from '../run-main.ts';
import { readWordVectors } from '../node/word-vectors.ts';
import { embeddingsOf, pricesOf, registryOf, requireAuthOfTenants } from '../services.ts';
import { freePort } from './free-port.ts';
import { Programs, root, type Program } from './programs.ts';
import { startSqld } from './start-sqld.ts';
import { startWrangler } from './start-wrangler.ts';
import { variablesOf } from './worker-variables.ts';

const data = resolve(root, '.data');
const programs = new Programs();

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => void programs.stop().then(() => process.exit(0)));

await exitOnError(async () => {
  try {
    await run();
  } finally {
    await programs.stop();
  }
});

/** Starts everything, and rejects when a program ends by itself. */
async function run(): Promise<void> {
  loadEnvFile();
  const config = withPriceFile(parseConfig(process.env));
  requireAuthOffLoopback(config);
  requireAuthOfTenants(config);
  // The Worker would find a mistake too late to stop the start.
  const registry = registryOf(config, fetch);
  embeddingsOf(config, { network: fetch, readWordVectors, log: createNodeLogger(config) });
  pricesOf(config);
  if (config.DATABASE_URL?.startsWith('file:'))
    throw new ConfigError(
      'DATABASE_URL: a Worker has no files; give an http(s):// or libsql:// address, or none',
    );
  mkdirSync(data, { recursive: true });
  const database = await prepareDatabase(config);
  const port = config.PORT === 0 ? await freePort() : config.PORT;
  const address = addressOf(config.HOST, port);
  console.log('building the Worker and starting wrangler; this takes some seconds');
  const wrangler = await startWrangler(programs, {
    host: config.HOST,
    port,
    address,
    directory: data,
    variables: variablesOf(config, { PORT: String(port), DATABASE_URL: database.url }),
  });
  console.log(`listening on ${address}`);
  const model = registry.resolve(registry.defaultName)[0].name;
  printFacts(factsOf({ address, model, data: database.place, config }));
  console.log('a change of the code is served at once; Ctrl-C stops everything');
  await Promise.race([wrangler, ...database.programs].map(({ ended }) => ended));
}

interface ReadyDatabase {
  url: string;
  /** The words that people are told of it. */
  place: string;
  programs: readonly Program[];
}

/**
 * Starts a `sqld` unless there is a database already, and applies the migrations. Those of tenants
 * are migrated when they are first used.
 */
async function prepareDatabase(config: Config): Promise<ReadyDatabase> {
  if (config.DATABASE_URL !== undefined) {
    const url = config.DATABASE_URL;
    if (!hasTenants(url)) await migrate({ ...config, DATABASE_URL: url });
    return { url, place: placeOf(url), programs: [] };
  }
  const directory = resolve(data, 'sqld');
  console.log(`starting sqld, whose data are in ${relative(process.cwd(), directory)}`);
  const { url, sqld } = await startSqld(programs, directory);
  await migrate({ ...config, DATABASE_URL: url });
  return { url, place: `${directory} (sqld at ${url})`, programs: [sqld] };
}

async function migrate(config: Config): Promise<void> {
  const db = await openNodeDatabase(config);
  const applied = await migrateFromFolder(db).finally(() => db.close());
  const count = applied.length;
  console.log(count === 0 ? 'the database is up to date' : `applied ${count} migrations`);
}
