/**
 * Serves the Worker that was built for the tests on workerd, by Miniflare, until SIGTERM. A
 * script: its settings are its environment, as those of `npm run dev` are, and two of its own:
 * `WORKER_BUILD` is the folder of `builtWorker`, `WORKER_STATE` one for what Durable Objects keep.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { parseConfig } from '../../../src/config.ts';
import { hasTenants } from '../../../src/core/tenant.ts';
import { variablesOf } from '../../../src/host/dev/worker-variables.ts';
import { migrateFromFolder, openNodeDatabase } from '../../../src/host/node/database/open.ts';
import { freePort } from '../places.ts';
import { CONFIG_FILE } from './build.ts';

const { WORKER_BUILD: build = '', WORKER_STATE: state } = process.env;
const config = parseConfig(process.env);
const port = config.PORT === 0 ? await freePort() : config.PORT;

// Those of tenants are migrated when they are first used.
if (!hasTenants(config.DATABASE_URL)) {
  const database = await openNodeDatabase(config);
  await migrateFromFolder(database).finally(() => database.close());
}

const miniflare = new Miniflare(
  convertV4MiniflareOptions({
    host: config.HOST,
    port,
    // Without it, another machine is asked where this one is.
    cf: false,
    unsafeTriggerHandlers: true,
    ...(state !== undefined && { resourcePersistencePath: state }),
    handleStructuredLogs: ({ level, message }) =>
      (level === 'error' || level === 'warn' ? console.error : console.log)(message),
    workers: [workerOf(build, variablesOf(config, { PORT: String(port) }))],
  }),
);
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void miniflare.dispose().then(() => process.exit(0)));
await miniflare.ready;
console.log(`listening on http://${config.HOST}:${port}`);

/** Returns the options of the Worker in a folder, as `wrangler dev` makes them. */
function workerOf(directory: string, bindings: Record<string, string>) {
  // What `builtWorker` wrote.
  const settings = JSON.parse(readFileSync(join(directory, CONFIG_FILE), 'utf8')) as Settings;
  const { name, assets, durable_objects: objects } = settings;
  const module = (type: 'ESModule' | 'Data') => (path: string) => ({
    type,
    path: join(directory, path),
  });
  const lazy = readdirSync(directory).filter((file) => file.endsWith('.mjs'));
  const cmaps = readdirSync(join(directory, 'cmaps')).map((file) => join('cmaps', file));
  return {
    name,
    modulesRoot: directory,
    modules: [...['main.js', ...lazy].map(module('ESModule')), ...cmaps.map(module('Data'))],
    compatibilityDate: settings.compatibility_date,
    compatibilityFlags: settings.compatibility_flags,
    bindings,
    durableObjects: Object.fromEntries(
      objects.bindings.map(({ name: binding, class_name: className }) => [
        binding,
        { className, useSQLite: true },
      ]),
    ),
    assets: {
      directory: join(directory, 'assets'),
      binding: assets.binding,
      routerConfig: {
        has_user_worker: true,
        invoke_user_worker_ahead_of_assets: assets.run_worker_first,
      },
      assetConfig: { html_handling: assets.html_handling },
    },
  };
}

interface Settings {
  name: string;
  compatibility_date: string;
  compatibility_flags: string[];
  assets: { binding: string; html_handling: 'none'; run_worker_first: boolean };
  durable_objects: { bindings: { name: string; class_name: string }[] };
}
