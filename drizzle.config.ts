// For `drizzle-kit generate`, which compares the schema with the last snapshot in `migrations/`,
// and for `drizzle-kit studio`, which shows the database that DATABASE_URL names. Migrations are
// applied by the product itself.
import { existsSync } from 'node:fs';
import { defineConfig } from 'drizzle-kit';

if (existsSync('.env')) process.loadEnvFile('.env');
const { DATABASE_URL: url = 'file:./data/parley.db', DATABASE_AUTH_TOKEN: authToken } = process.env;

const schema = {
  schema: './src/store/schema.ts',
  out: './migrations',
  breakpoints: true,
  strict: true,
};

export default url.startsWith('file:')
  ? defineConfig({ ...schema, dialect: 'sqlite', dbCredentials: { url } })
  : defineConfig({ ...schema, dialect: 'turso', dbCredentials: { url, authToken } });
