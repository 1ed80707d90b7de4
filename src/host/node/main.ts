/** `npm start`: runs the server on Node. */
import { parseConfig } from '../../config.ts';
import { isLoopback } from '../../core/loopback.ts';
import type { ActionDependencies } from '../../actions/context.ts';
import { resumeErasures } from '../../actions/erase-user.ts';
import { forgetLeftBehind } from '../../actions/forget-left-behind.ts';
import { createRetriever } from '../../search/retrieve.ts';
import { httpFetchOf, prepareHttpClient } from './http-client/http-client.ts';
import { sweep } from '../../store/turns/read.ts';
import { LocalTurnService } from '../../turns/local-turn-service.ts';
import { DEFAULT_DATABASE_URL, migrateFromFolder, openNodeDatabase } from './database/open.ts';
import { newLockMemory, WriteLock } from './database/write-lock.ts';
import { DocumentThreads } from './threads/document-threads.ts';
import { NodeSockets } from './websockets.ts';
import { createNodePages, hasChat } from './pages.ts';
import {
  embeddingsOf,
  identityOf,
  limitsOf,
  pricesOf,
  registryOf,
  toolRegistryOf,
  turnServiceSettingsOf,
} from '../services.ts';
import { watchingOf } from './telemetry.ts';
import { createNodeLogger, formatOf } from './log.ts';
import { sendTurn } from './send-turn.ts';
import { DeferredWork } from './deferred-work.ts';
import { addressOfServer, listen } from './listen.ts';
import { loadEnvFile } from '../env-file.ts';
import { Readiness } from './readiness.ts';
import { withPriceFile } from '../price-file.ts';
import { runWatched } from './watch.ts';
import { newHash } from '../hash.ts';
import { factsOf, placeOf, printFacts } from '../greeting.ts';
import { shutDown } from './shutdown.ts';
import { onStopSignal } from './stop-signals.ts';
import { exitOnError, requireAuthOffLoopback } from '../run-main.ts';
import { createOpenUrl } from './open-url.ts';
import { readWordVectors } from './word-vectors.ts';
import { setV8Flags } from './tuning/v8-flags.ts';

setV8Flags();
if (!runWatched()) await exitOnError(serve);

async function serve(): Promise<void> {
  loadEnvFile();
  const config = withPriceFile(parseConfig(process.env));
  requireAuthOffLoopback(config);
  const log = createNodeLogger(config);
  const network = httpFetchOf(config);
  const registry = registryOf(config, network, log);
  const embeddings = embeddingsOf(config, { network, readWordVectors, log });
  const prices = pricesOf(config);
  const lockMemory = newLockMemory();
  const db = await openNodeDatabase(config, new WriteLock(lockMemory));
  await migrateFromFolder(db);
  await sweep(db, config.TURN_LEASE_MS);
  const { telemetry, readMetrics } = await watchingOf(config, log);
  const deferred = new DeferredWork();
  const documents = new DocumentThreads({ config, lockMemory, embeddings, log });
  const toolRegistry = toolRegistryOf(config, { load: () => import('@ai-sdk/mcp'), log });
  const turns = new LocalTurnService({
    db,
    registry,
    settings: turnServiceSettingsOf(config),
    retriever: createRetriever(documents, embeddings),
    toolRegistry,
    prices,
    coalesce: setImmediate,
    log,
    telemetry,
    defer: (work) => deferred.add(work),
  });
  const dependencies: ActionDependencies = {
    config,
    db,
    registry,
    embeddings,
    prices,
    limits: limitsOf(config),
    searcher: documents,
    ingester: documents,
    files: { newHash, openUrl: createOpenUrl(), examine: (file) => documents.examine(file) },
    turns,
    log,
    telemetry,
    defer: (work) => deferred.add(work),
  };
  const readiness = new Readiness();
  const sockets = new NodeSockets(dependencies);
  const server = await listen({
    dependencies: {
      ...dependencies,
      identity: identityOf(config, () => import('jose')),
      sockets,
      pages: createNodePages(),
      loopbackOnly: isLoopback(config.HOST),
      isReady: () => readiness.ask(),
      listTools: () => toolRegistry.list(),
      readMetrics,
      sendTurn,
    },
    turns,
    readiness,
  });
  const sweeping = sweepRegularly(turns, dependencies);
  onStopSignal(
    () =>
      shutDown({
        ...{ server, turns, sockets, deferred, documents, db, config, sweeping, readiness },
        telemetry,
      }),
    log,
  );
  tellStart(addressOfServer(server, config), { registry, config, log });
  // A table of word vectors that cannot be used is told now, and not at the first search.
  if (embeddings.configured.isLocal) void embeddings.configured.isWhole();
  Promise.all([registry.prepare(), prepareHttpClient(config)]).catch((error: unknown) =>
    log.error('the models cannot be loaded', { error }),
  );
}

/**
 * Ends the turns of lost instances at intervals, and goes on with erasures, whose processes may be
 * lost too.
 */
function sweepRegularly(turns: LocalTurnService, dependencies: ActionDependencies): NodeJS.Timeout {
  const { config, db, log } = dependencies;
  const told = (error: unknown) => log.error('the sweep failed', { error });
  const resume = () =>
    dependencies.defer(
      resumeErasures(dependencies)
        .then(() => forgetLeftBehind(db))
        .catch(told),
    );
  resume();
  return setInterval(() => {
    void turns.sweep().catch(told);
    resume();
  }, config.TURN_LEASE_MS);
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
