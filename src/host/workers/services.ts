/**
 * Builds what the Worker and its Durable Objects share: the configuration, and the services made
 * from it.
 */
import { ConfigError, parseConfig, type Config } from '../../config.ts';
import { isLoopback } from '../../core/loopback.ts';
import { hasTenants, urlOfTenant } from '../../core/tenant.ts';
import type { Limits } from '../../core/limits.ts';
import type { Telemetry } from '../../core/telemetry.ts';
import type { Logger } from '../../core/logger.ts';
import { createWorkerLogger } from './log.ts';
import type { EmbeddingRegistry } from '../../models/embeddings/registry.ts';
import type { WorkersAi } from '../../models/embeddings/workers-ai.ts';
import { networkBy } from '../../models/http.ts';
import type { PriceTable } from '../../core/prices.ts';
import type { Registry } from '../../models/chat/registry.ts';
import { connectHttp } from '../../store/connect-http.ts';
import { noDatabase, type Database } from '../../store/database.ts';
import type { ActionDependencies } from '../../actions/context.ts';
import type { Identity } from '../../auth/identity.ts';
import {
  embeddingsOf,
  identityOf,
  limitsOf,
  pricesOf,
  registryOf,
  requireAuthOfTenants,
} from '../services.ts';
import { createFileExaminer } from '../../documents/examine-file.ts';
import { newHash } from '../hash.ts';
import { createIngester } from '../../documents/ingester.ts';
import { prepare, type Prepare } from '../../documents/prepare.ts';
import { createSearcher } from '../../search/retrieve.ts';
import { requireRoomToEmbed } from '../../actions/require-budget.ts';
import { fewAtOnce } from './few-at-once.ts';
import { fetchDecoded } from './decoded-fetch.ts';
import { openUrl } from './open-url.ts';
import { libraries, loadJose } from './libraries.ts';
import { wordVectorsOf } from './word-vectors.ts';
import { RemoteTurnService } from './turn-stub.ts';

export interface WorkerEnv extends Record<string, unknown> {
  ROOMS: DurableObjectNamespace;
  SOCKETS: DurableObjectNamespace;
  ASSETS: Fetcher;
  /** Workers AI, where the operator has bound it. */
  AI?: WorkersAi;
}

export interface Settled {
  config: Config;
  registry: Registry;
  embeddings: EmbeddingRegistry;
  /** Kept for all requests: it knows the keys of the issuer of tokens. */
  identity: Identity | undefined;
  prices: PriceTable;
  limits: Limits | undefined;
  loopbackOnly: boolean;
  log: Logger;
  /** Undefined where nobody watches, and until it is loaded; see `telemetry.ts`. */
  telemetry?: Telemetry;
}

let settled: Settled | undefined;

/**
 * Reads the environment once, since it is the same for all requests of an isolate.
 * @throws ConfigError when the Worker cannot serve with it
 */
export function settle(env: WorkerEnv): Settled {
  return (settled ??= settleOnce(env));
}

function settleOnce(env: WorkerEnv): Settled {
  const config = parseConfig(env);
  if (!config.DATABASE_URL || config.DATABASE_URL.startsWith('file:')) {
    throw new ConfigError('DATABASE_URL must be set to an http(s):// or libsql:// address');
  }
  requireAuthOfTenants(config);
  // Only a development server has a HOST; a deployed Worker may be reached by any name.
  const { HOST } = env;
  const network = networkBy(fetchDecoded);
  const log = createWorkerLogger(config);
  return {
    config,
    registry: registryOf(config, network, log),
    embeddings: embeddingsOf(config, {
      network,
      readWordVectors: wordVectorsOf(env.ASSETS),
      workersAi: env.AI,
      log,
    }),
    identity: identityOf(config, loadJose),
    log,
    prices: pricesOf(config),
    limits: limitsOf(config),
    loopbackOnly: typeof HOST === 'string' && isLoopback(HOST),
  };
}

/**
 * Returns the database.
 * @param tenant whose it is; undefined where all users share one, and where nobody is known yet
 */
export function databaseOf({ config }: Settled, tenant: string | undefined): Database {
  const { DATABASE_URL: url = '', DATABASE_AUTH_TOKEN: authToken } = config;
  if (!hasTenants(url)) return connectHttp({ url, authToken });
  return tenant === undefined
    ? noDatabase()
    : connectHttp({ url: urlOfTenant(url, tenant), authToken });
}

/**
 * Returns the dependencies of a request or of a frame on a socket.
 * @param context keeps work alive that outlives the request
 * @param tenant whose database is meant; undefined where all users share one
 */
export function dependenciesOf(
  env: WorkerEnv,
  context: Pick<ExecutionContext, 'waitUntil'>,
  tenant: string | undefined,
): ActionDependencies {
  const settled = settle(env);
  const { config, embeddings, log, prices } = settled;
  const db = databaseOf(settled, tenant);
  const read: Prepare = (sent) => prepare(sent, libraries);
  const examiner = createFileExaminer({ db, prepare: read });
  return {
    ...settled,
    db,
    searcher: createSearcher({ db, embeddings, log }),
    ingester: createIngester({
      ...{ db, embeddings, prices, log, leaseMs: config.TURN_LEASE_MS, prepare: read },
      requireRoom: (principal, tokens) =>
        requireRoomToEmbed({ principal, dependencies: { ...settled, db } }, tokens),
    }),
    files: { newHash, openUrl, examine: (file) => fewAtOnce(() => examiner.examine(file)) },
    turns: new RemoteTurnService(env.ROOMS, tenant),
    defer: (work) => context.waitUntil(work.catch(() => undefined)),
  };
}
