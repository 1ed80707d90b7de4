/**
 * `npm run backup -- FILE`: a checked copy of the database in one file, made while it is in use.
 */
import { backUp } from '../backup/backup.ts';
import { tellSummary } from '../backup/tell-summary.ts';
import { ConfigError } from '../../config.ts';
import { DEFAULT_DATABASE_URL } from '../node/database/open.ts';
import { exitOnError } from '../run-main.ts';
import { commandConfig } from './command-config.ts';
import { fileArgument } from './file-argument.ts';

await exitOnError(async () => {
  const { DATABASE_URL: url = DEFAULT_DATABASE_URL, DATABASE_AUTH_TOKEN: authToken } =
    commandConfig();
  const target = fileArgument();
  if (!target) throw new ConfigError('say where the backup is to go: npm run backup -- FILE');
  tellSummary(`backed up to ${target}`, await backUp({ url, authToken }, target));
});
