// Only for `drizzle-kit generate`, which compares the schema with the last snapshot in `migrations/`
// and needs no database. Migrations are applied by the product itself.
import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'sqlite',
  schema: './src/store/schema.ts',
  out: './migrations',
  breakpoints: true,
  strict: true,
});
