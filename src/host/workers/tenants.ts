/** The databases of tenants on Workers. One is migrated when a caller of its tenant first comes. */
import { resumeErasures } from '../../actions/erase-user.ts';
import { forgetLeftBehind } from '../../actions/forget-left-behind.ts';
import { hasTenants } from '../../core/tenant.ts';
import type { Tenants } from '../../routes/shared/dependencies.ts';
import { migrate } from '../../store/migrate.ts';
import { sweep } from '../../store/turns/sweep.ts';
import { migrationsIn } from '../migrations.ts';
import { dependenciesOf, settle, type WorkerEnv } from './services.ts';
import { WorkerSockets } from './websocket-object.ts';

/** The most tenants that an isolate remembers. */
const MOST_KNOWN = 1_000;
/** Milliseconds after which a database is tidied up again, when somebody of its tenant comes. */
const TIDY_EVERY_MS = 60_000;
/**
 * The tenants whose databases this isolate has migrated, with the time at which each was tidied up
 * last, in milliseconds since the epoch.
 */
const known = new Map<string, number>();

type Context = Pick<ExecutionContext, 'waitUntil'>;

/** Returns what gives a request its tenant's database; undefined where all users share one. */
export function tenantsOf(env: WorkerEnv, context: Context): Tenants | undefined {
  const { config, log } = settle(env);
  if (!hasTenants(config.DATABASE_URL)) return undefined;
  return {
    async open(tenant) {
      const dependencies = dependenciesOf(env, context, tenant);
      if (!known.has(tenant)) await migrate(dependencies.db, await migrationsIn(env.ASSETS));
      if (isDue(tenant)) {
        const tidied = tidy(env, context, tenant);
        context.waitUntil(
          tidied.catch((error: unknown) => log.error('the sweep failed', { error })),
        );
      }
      const { db, turns, searcher, ingester, files } = dependencies;
      return {
        db,
        turns,
        searcher,
        ingester,
        files,
        sockets: new WorkerSockets(env.SOCKETS, tenant),
      };
    },
    knows: (tenant) => known.has(tenant),
    ping: () => Promise.resolve(),
  };
}

/** Ends what dead owners left behind, in one database. */
export async function tidy(
  env: WorkerEnv,
  context: Context,
  tenant: string | undefined,
): Promise<void> {
  const dependencies = dependenciesOf(env, context, tenant);
  await sweep(dependencies.db, dependencies.config.TURN_LEASE_MS);
  await resumeErasures(dependencies);
  await forgetLeftBehind(dependencies.db);
}

/** Returns true when a database is to be tidied up now, and remembers that it was. */
function isDue(tenant: string): boolean {
  const now = Date.now();
  if (now - (known.get(tenant) ?? 0) < TIDY_EVERY_MS) return false;
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(tenant, now);
  return true;
}
