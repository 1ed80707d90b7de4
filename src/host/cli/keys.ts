/**
 * `npm run keys -- create|list|revoke`: gives out API keys, lists and revokes them, by the database
 * alone. No server needs to run.
 */
import { parseArgs } from 'node:util';
import { issueKey } from '../../actions/credentials.ts';
import { ConfigError, parseConfig } from '../../config.ts';
import { SCOPES, type Scope } from '../../core/principal.ts';
import {
  listKeys,
  revokeCredential,
  revokeUser,
  type StoredKey,
} from '../../store/credentials/credentials.ts';
import type { Database } from '../../store/database.ts';
import { loadEnvFile } from '../env-file.ts';
import { migrateFromFolder, openNodeDatabase } from '../node/database/open.ts';
import { exitOnError } from '../run-main.ts';
import { configOfTenant } from './command-config.ts';
import { durationOf } from './duration.ts';

const USAGE = `npm run keys -- create --user NAME [--name TEXT] [--scope admin] [--expires 90d]
npm run keys -- list [--user NAME]
npm run keys -- revoke KEY_ID, or --user NAME for all that the user has
Where each tenant has a database, --tenant=NAME says whose is meant`;

/** Keys that are read at a time. */
const PAGE = 200;

interface Arguments {
  command: string | undefined;
  id: string | undefined;
  user?: string | undefined;
  /** The tenant whose database is meant, where each has one. */
  tenant?: string | undefined;
  name?: string | undefined;
  scope?: string[] | undefined;
  expires?: string | undefined;
}

await exitOnError(async () => {
  const given = readArguments();
  const run = commandOf(given);
  loadEnvFile();
  const config = configOfTenant(parseConfig(process.env), given.tenant);
  const db = await openNodeDatabase(config);
  await migrateFromFolder(db);
  await run(db);
  db.close();
});

function readArguments(): Arguments {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        user: { type: 'string' },
        tenant: { type: 'string' },
        name: { type: 'string' },
        scope: { type: 'string', multiple: true },
        expires: { type: 'string' },
        // Read by `loadEnvFile`.
        env: { type: 'string' },
      },
    });
    return { ...values, command: positionals[0], id: positionals[1] };
  } catch (error) {
    throw new ConfigError(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  }
}

/** @throws ConfigError when the command line asks for nothing that there is */
function commandOf(given: Arguments): (db: Database) => Promise<void> {
  const { command, id, user } = given;
  if (command === 'create' && user) return createCommand({ ...given, user });
  if (command === 'list') return (db) => list(db, user);
  if (command === 'revoke' && id) return (db) => revoke(db, id);
  if (command === 'revoke' && user) return (db) => revokeAll(db, user);
  throw new ConfigError(`say what to do:\n${USAGE}`);
}

function createCommand({ user, tenant, name, scope = [], expires }: Arguments & { user: string }) {
  const scopes = scope.map(scopeNamed);
  const expiresAt = expires === undefined ? null : Date.now() + durationOf(expires);
  return async (db: Database) => {
    const issued = await issueKey(db, { userId: user, tenant, name, scopes, expiresAt });
    // The key alone goes to the standard output, so that a script can take it.
    console.error(`the key ${issued.id} of ${user}; it is shown this once:`);
    console.log(issued.text);
  };
}

function scopeNamed(name: string): Scope {
  const scope = SCOPES.find((known) => known === name);
  if (scope === undefined)
    throw new ConfigError(`--scope ${name} is unknown; there is ${SCOPES.join(', ')}`);
  return scope;
}

async function list(db: Database, userId: string | undefined): Promise<void> {
  let cursor: string | undefined;
  do {
    const page = await listKeys(db, { userId, limit: PAGE, cursor });
    for (const key of page.items) console.log(lineOf(key));
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
}

function lineOf({ id, userId, name, scopes, createdAt, expiresAt }: StoredKey): string {
  const until = expiresAt === null ? 'no end' : `until ${new Date(expiresAt).toISOString()}`;
  const since = new Date(createdAt).toISOString();
  return [id, userId, scopes.join(' ') || '-', `since ${since}`, until, name ?? ''].join('\t');
}

async function revoke(db: Database, id: string): Promise<void> {
  if (!(await revokeCredential(db, { id, kind: 'key' })))
    throw new ConfigError(`there is no key ${id} that holds`);
  console.log(`revoked ${id}`);
}

async function revokeAll(db: Database, userId: string): Promise<void> {
  console.log(`revoked ${await revokeUser(db, userId)} keys of ${userId}`);
}
