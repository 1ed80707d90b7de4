/** Makes what a thread searches and ingests with: over one database, or over those of tenants. */
import { LatestMap } from '../../../core/latest-map.ts';
import { availableParallelism, totalmem } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { requireRoomToEmbed } from '../../../actions/require-budget.ts';
import type { Config } from '../../../config.ts';
import type { Logger } from '../../../core/logger.ts';
import { hasTenants } from '../../../core/tenant.ts';
import { createFileExaminer } from '../../../documents/examine-file.ts';
import { createIngester } from '../../../documents/ingester.ts';
import type { EmbeddingRegistry } from '../../../models/embeddings/registry.ts';
import { RememberingSearcher } from '../../../search/memory/searcher.ts';
import type { Database } from '../../../store/database.ts';
import { limitsOf, pricesOf } from '../../services.ts';
import { openNodeDatabase, tenantConnector } from '../database/open.ts';
import type { WriteLock } from '../database/write-lock.ts';
import { prepareOnNode } from '../prepare.ts';

/**
 * The memory that the libraries of all threads may take: a share of the machine's memory, and at
 * most so many bytes for each core. A chunk takes about 1.5 KB.
 */
const SHARE_OF_MEMORY = 8;
const MOST_REMEMBERED = 1024 * 1024 * 1024;
/** The most tenants whose databases a thread has open, the ones that were used last. */
const MOST_TENANTS = 8;

/** The thread's own settings and services, which all databases share. */
interface ThreadOptions {
  config: Config;
  lock: WriteLock;
  embeddings: EmbeddingRegistry;
  log: Logger;
}

export type ThreadServices = ReturnType<typeof servicesOver>;

/** Returns what finds the services for a tenant's tasks, and for those without a tenant. */
export async function threadServices(
  options: ThreadOptions,
): Promise<(tenant: string | undefined) => Promise<ThreadServices>> {
  const { config, lock } = options;
  if (hasTenants(config.DATABASE_URL)) return servicesOfTenants(options);
  const services = servicesOver(await openNodeDatabase(config, lock), options, mostBytes());
  return () => Promise.resolve(services);
}

/** Keeps those that were used last: idle connections of the others end by themselves. */
function servicesOfTenants(options: ThreadOptions) {
  const connect = tenantConnector(options.config);
  const kept = new LatestMap<Promise<ThreadServices>>(MOST_TENANTS);
  return (tenant = '') => {
    const known = kept.get(tenant);
    if (known) return known;
    const share = mostBytes() / MOST_TENANTS;
    const services = connect(tenant).then((db) => servicesOver(db, options, share));
    kept.set(tenant, services);
    return services;
  };
}

function mostBytes(): number {
  return Math.min(totalmem() / SHARE_OF_MEMORY, MOST_REMEMBERED) / availableParallelism();
}

function servicesOver(db: Database, { config, embeddings, log }: ThreadOptions, bytes: number) {
  const services = { db, embeddings, log };
  const prices = pricesOf(config);
  const budgeted = { db, config, embeddings, prices, limits: limitsOf(config) };
  return {
    searcher: new RememberingSearcher({
      ...services,
      mostBytes: bytes,
      pause: () => setImmediate(),
    }),
    ingester: createIngester({
      ...services,
      prices,
      leaseMs: config.TURN_LEASE_MS,
      prepare: prepareOnNode,
      requireRoom: (principal, tokens) =>
        requireRoomToEmbed({ principal, dependencies: budgeted }, tokens),
    }),
    examiner: createFileExaminer({ db, prepare: prepareOnNode }),
  };
}
