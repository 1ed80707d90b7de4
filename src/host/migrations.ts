import type { Migration } from '../store/migrate.ts';

/** The path of the migrations among the static assets of a Worker, served to nobody else. */
export const MIGRATIONS_ASSET = '/data/migrations.json';

/** Reads the migrations where they are static assets of the Worker. */
export async function migrationsIn(assets: {
  fetch(url: string): Promise<Response>;
}): Promise<Migration[]> {
  // The binding looks at the path only, but an address needs a host.
  const found = await assets.fetch(`https://assets.invalid${MIGRATIONS_ASSET}`);
  if (!found.ok) throw new Error(`the migrations answered with status ${found.status}`);
  // Written by `build/assets.ts` alone.
  return found.json<Migration[]>();
}
