/**
 * The databases of tenants on Node. One is opened, and migrated, when a caller of its tenant first
 * comes. It is closed when nobody has come for a while; closing one too early costs its next caller
 * the opening, and no turn, since the database decides who runs what. Those that were closed are
 * looked into now and then, one at a time: another process that served them may have died.
 */
import { stopping } from '../../core/errors.ts';
import type { Tenants, TenantServices } from '../../routes/shared/dependencies.ts';
import { isMissing, type Database } from '../../store/database.ts';
import { ping } from '../../store/conversations.ts';
import { migrate, type Migration } from '../../store/migrate.ts';
import { DatabaseServices, type Served, type SharedServices } from './database-services.ts';

/** The time after which a database that nobody uses is closed, in milliseconds. */
const IDLE_MS = 5 * 60_000;
/** The most databases that are kept open while nobody uses them. */
const MOST_OPEN = 200;
/** The time after which one that was closed is looked into again, in milliseconds. */
const LOOK_AGAIN_MS = 5 * 60_000;

interface TenantsOptions {
  shared: SharedServices;
  /** Connects to the database of a tenant. */
  connect: (tenant: string) => Promise<Database>;
  migrations: readonly Migration[];
  /** The interval at which databases are tidied up, in milliseconds. */
  tidyEveryMs: number;
  idleMs?: number;
  mostOpen?: number;
  lookAgainMs?: number;
}

interface Opened {
  services: DatabaseServices;
  usedAt: number;
}

export class NodeTenants implements Tenants, Served {
  readonly #options: TenantsOptions;
  /** The one that was used last is the last. */
  readonly #open = new Map<string, Opened>();
  readonly #opening = new Map<string, Promise<DatabaseServices>>();
  /**
   * The tenants whose databases were ever opened here, with the time at which each was tidied up
   * last; the first is the longest ago.
   */
  readonly #known = new Map<string, number>();
  readonly #timer: ReturnType<typeof setInterval>;
  #isStopping = false;
  #isLooking = false;

  constructor(options: TenantsOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#tidy(), options.tidyEveryMs);
  }

  async open(tenant: string): Promise<TenantServices> {
    return (await this.#servicesOf(tenant)).own;
  }

  knows(tenant: string): boolean {
    return this.#known.has(tenant);
  }

  /** Asks the database that was used last, since which of them there are is not known here. */
  async ping(): Promise<void> {
    const last = [...this.#open.values()].at(-1);
    if (last) await ping(last.services.dependencies.db);
  }

  async drain(graceMs: number): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#timer);
    await Promise.allSettled(this.#opening.values());
    await this.#each((services) => services.drain(graceMs));
  }

  async closeSockets(): Promise<void> {
    await this.#each((services) => services.closeSockets());
  }

  async close(): Promise<void> {
    await this.#each((services) => services.close());
  }

  /** Opens a database once, however many ask for it at the same time. */
  #servicesOf(tenant: string): Promise<DatabaseServices> {
    const opened = this.#open.get(tenant);
    if (opened) {
      this.#use(tenant, opened.services);
      return Promise.resolve(opened.services);
    }
    const under = this.#opening.get(tenant);
    if (under) return under;
    const opening = this.#start(tenant).finally(() => this.#opening.delete(tenant));
    this.#opening.set(tenant, opening);
    return opening;
  }

  async #start(tenant: string): Promise<DatabaseServices> {
    if (this.#isStopping) throw stopping();
    const { shared, connect, migrations } = this.#options;
    const db = await connect(tenant);
    await migrate(db, migrations);
    const { documents, log } = shared;
    const services = new DatabaseServices({ ...shared, documents: documents.of(tenant) }, db);
    log.info('a tenant’s database was opened', { tenant });
    void services.tidy();
    this.#tidied(tenant);
    this.#use(tenant, services);
    return services;
  }

  #use(tenant: string, services: DatabaseServices): void {
    this.#open.delete(tenant);
    this.#open.set(tenant, { services, usedAt: performance.now() });
  }

  #tidy(): void {
    const { idleMs = IDLE_MS, mostOpen = MOST_OPEN } = this.#options;
    let tooMany = this.#open.size - mostOpen;
    for (const [tenant, { services, usedAt }] of this.#open) {
      const isUnused = performance.now() - usedAt > idleMs;
      if (services.isIdle && (isUnused || tooMany > 0)) {
        tooMany--;
        this.#close(tenant, services);
      } else {
        void services.tidy();
        this.#tidied(tenant);
      }
    }
    this.#lookIntoOne();
  }

  #tidied(tenant: string): void {
    this.#known.delete(tenant);
    this.#known.set(tenant, performance.now());
  }

  /** Tidies up the database that was longest left alone, if that is long ago. */
  #lookIntoOne(): void {
    const { shared, lookAgainMs = LOOK_AGAIN_MS } = this.#options;
    const [oldest] = this.#known;
    if (!oldest || this.#isLooking || performance.now() - oldest[1] < lookAgainMs) return;
    const [tenant] = oldest;
    this.#isLooking = true;
    this.#tidied(tenant);
    const looked = this.#lookInto(tenant)
      .catch((error: unknown) => {
        // Whoever comes makes it known again.
        if (isMissing(error)) this.#known.delete(tenant);
        shared.log.warn('a database could not be tidied up', { tenant, error });
      })
      .finally(() => (this.#isLooking = false));
    shared.defer(looked);
  }

  async #lookInto(tenant: string): Promise<void> {
    const { shared, connect } = this.#options;
    const db = await connect(tenant);
    const services = new DatabaseServices(
      { ...shared, documents: shared.documents.of(tenant) },
      db,
    );
    try {
      await ping(db);
      await services.tidy();
    } finally {
      await services.closeSockets();
      await services.close();
    }
  }

  #close(tenant: string, services: DatabaseServices): void {
    this.#open.delete(tenant);
    const closed = services.closeSockets().then(() => services.close());
    const { log, defer } = this.#options.shared;
    defer(closed.catch((error: unknown) => log.warn('a database could not be closed', { error })));
  }

  async #each(work: (services: DatabaseServices) => Promise<void>): Promise<void> {
    await Promise.all([...this.#open.values()].map(({ services }) => work(services)));
  }
}
