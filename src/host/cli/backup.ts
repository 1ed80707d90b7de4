/**
 * `npm run backup -- FILE`: a checked copy of the database in one file, made while it is in use.
 */
import { backUp } from '../backup/backup.ts';
import { tellSummary } from '../backup/tell-summary.ts';
import { ConfigError, parseConfig } from '../../config.ts';
import { loadEnvFile } from '../env-file.ts';
import { DEFAULT_DATABASE_URL } from '../node/database/open.ts';
import { exitOnError } from '../run-main.ts';
import { fileArgument } from './file-argument.ts';

await exitOnError(async () => {
  loadEnvFile();
  const { DATABASE_URL: url = DEFAULT_DATABASE_URL, DATABASE_AUTH_TOKEN: authToken } = parseConfig(
    process.env,
  );
  const target = fileArgument();
  if (!target) throw new ConfigError('say where the backup is to go: npm run backup -- FILE');
  tellSummary(`backed up to ${target}`, await backUp({ url, authToken }, target));
});
