/** `npm start`: runs the server on Node. */
import { parseConfig } from '../../config.ts';
import { isLoopback } from '../../core/loopback.ts';
import { hasTenants } from '../../core/tenant.ts';
import type { ActionDependencies } from '../../actions/context.ts';
import { httpFetchOf, prepareHttpClient } from './http-client/http-client.ts';
import { noDatabase } from '../../store/database.ts';
import { sweep } from '../../store/turns/sweep.ts';
import {
  DEFAULT_DATABASE_URL,
  migrateFromFolder,
  openNodeDatabase,
  readMigrations,
  tenantConnector,
} from './database/open.ts';
import { DatabaseServices, type Served, type SharedServices } from './database-services.ts';
import { newLockMemory, WriteLock } from './database/write-lock.ts';
import { DocumentThreads } from './threads/document-threads.ts';
import { createNodePages, hasChat } from './pages.ts';
import {
  embeddingsOf,
  identityOf,
  limitsOf,
  pricesOf,
  registryOf,
  requireAuthOfTenants,
  toolRegistryOf,
} from '../services.ts';
import { watchingOf } from './telemetry.ts';
import { createNodeLogger, formatOf } from './log.ts';
import { sendTurn, sendWhole } from './send-turn.ts';
import { DeferredWork } from './deferred-work.ts';
import { addressOfServer, listen } from './listen.ts';
import { loadEnvFile } from '../env-file.ts';
import { Readiness } from './readiness.ts';
import { withPriceFile } from '../price-file.ts';
import { NodeTenants } from './tenants.ts';
import { runWatched } from './watch.ts';
import { factsOf, placeOf, printFacts } from '../greeting.ts';
import { shutDown } from './shutdown.ts';
import { onStopSignal } from './stop-signals.ts';
import { exitOnError, requireAuthOffLoopback } from '../run-main.ts';
import { readWordVectors } from './word-vectors.ts';
import { hashShortTexts } from './tuning/short-hashes.ts';
import { setV8Flags } from './tuning/v8-flags.ts';

setV8Flags();
hashShortTexts();
if (!runWatched()) await exitOnError(serve);

async function serve(): Promise<void> {
  loadEnvFile();
  const config = withPriceFile(parseConfig(process.env));
  requireAuthOffLoopback(config);
  requireAuthOfTenants(config);
  const log = createNodeLogger(config);
  const network = httpFetchOf(config);
  const registry = registryOf(config, network, log);
  const embeddings = embeddingsOf(config, { network, readWordVectors, log });
  const prices = pricesOf(config);
  const { telemetry, readMetrics } = await watchingOf(config, log);
  const deferred = new DeferredWork();
  const lockMemory = newLockMemory();
  const documents = new DocumentThreads({ config, lockMemory, embeddings, log });
  const toolRegistry = toolRegistryOf(config, { load: () => import('@ai-sdk/mcp'), log });
  const shared: SharedServices = {
    ...{ config, registry, embeddings, prices, log, telemetry, documents, toolRegistry },
    limits: limitsOf(config),
    defer: (work) => deferred.add(work),
  };
  const { services, served, tenants } = await openDatabases(shared, lockMemory);
  const readiness = new Readiness();
  const server = await listen({
    dependencies: {
      ...services.dependencies,
      tenants,
      identity: identityOf(config, () => import('jose')),
      sockets: services.sockets,
      pages: createNodePages(),
      loadReading: () => import('../../routes/reading/render-page.ts'),
      loopbackOnly: isLoopback(config.HOST),
      isReady: () => readiness.ask(),
      listTools: () => toolRegistry.list(),
      readMetrics: tenants ? undefined : readMetrics,
      sendTurn,
      sendWhole,
    },
    turns: services.turns,
    readiness,
  });
  const stop = () =>
    shutDown({ server, served, deferred, documents, config, readiness, telemetry });
  onStopSignal(stop, log);
  tellStart(addressOfServer(server, config), { registry, config, log });
  // A table of word vectors that cannot be used is told now, and not at the first search.
  if (embeddings.configured.isLocal) void embeddings.configured.isWhole();
  Promise.all([registry.prepare(), prepareHttpClient(config)]).catch((error: unknown) =>
    log.error('the models cannot be loaded', { error }),
  );
}

interface Databases {
  services: DatabaseServices;
  served: Served;
  tenants?: NodeTenants;
}

/**
 * Opens the database, or what opens those of tenants: then a request has none before its caller is
 * known.
 */
async function openDatabases(
  shared: SharedServices,
  lockMemory: SharedArrayBuffer,
): Promise<Databases> {
  const { config } = shared;
  const tidyEveryMs = config.TURN_LEASE_MS;
  if (hasTenants(config.DATABASE_URL)) {
    const migrations = await readMigrations();
    const connect = tenantConnector(config);
    const tenants = new NodeTenants({ shared, connect, migrations, tidyEveryMs });
    return { services: new DatabaseServices(shared, noDatabase()), served: tenants, tenants };
  }
  const db = await openNodeDatabase(config, new WriteLock(lockMemory));
  await migrateFromFolder(db);
  await sweep(db, config.TURN_LEASE_MS);
  const services = new DatabaseServices(shared, db);
  services.tidyRegularly(tidyEveryMs);
  return { services, served: services };
}

/**
 * Prints the address in a line of its own, which programs look for; the rest is for people or the
 * log.
 */
function tellStart(
  address: string,
  { registry, config, log }: Pick<ActionDependencies, 'registry' | 'config' | 'log'>,
): void {
  console.log(`listening on ${address}`);
  const model = registry.resolve(registry.defaultName)[0].name;
  const data = placeOf(config.DATABASE_URL ?? DEFAULT_DATABASE_URL);
  const facts = factsOf({ address, model, data, config, hasChat: hasChat() });
  if (formatOf(config) === 'json') log.info('ready', facts);
  else printFacts(facts);
}
