/** `npm run db:migrate`: brings a database, usually a remote one, up to date. */
import { parseConfig } from '../../config.ts';
import { loadEnvFile } from '../env-file.ts';
import { migrateFromFolder, openNodeDatabase } from '../node/database/open.ts';
import { exitOnError } from '../run-main.ts';

await exitOnError(async () => {
  loadEnvFile();
  const db = await openNodeDatabase(parseConfig(process.env));
  const applied = await migrateFromFolder(db);
  console.log(
    applied.length === 0 ? 'the database is up to date' : `applied ${applied.join(', ')}`,
  );
  db.close();
});
