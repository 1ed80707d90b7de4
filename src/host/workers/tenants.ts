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
/** The tenants whose databases this isolate has migrated and tidied up. */
const known = new Set<string>();

type Context = Pick<ExecutionContext, 'waitUntil'>;

/** Returns what gives a request its tenant's database; undefined where all users share one. */
export function tenantsOf(env: WorkerEnv, context: Context): Tenants | undefined {
  const { config, log } = settle(env);
  if (!hasTenants(config.DATABASE_URL)) return undefined;
  return {
    async open(tenant) {
      const dependencies = dependenciesOf(env, context, tenant);
      if (!known.has(tenant)) {
        await migrate(dependencies.db, await migrationsIn(env.ASSETS));
        remember(tenant);
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

function remember(tenant: string): void {
  if (known.size >= MOST_KNOWN) known.clear();
  known.add(tenant);
}
