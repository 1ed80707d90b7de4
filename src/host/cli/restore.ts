/** `npm run restore -- FILE`: a backup becomes the database, where there is none yet. */
import { restore } from '../backup/restore.ts';
import { tellSummary } from '../backup/tell-summary.ts';
import { ConfigError, parseConfig } from '../../config.ts';
import { loadEnvFile } from '../env-file.ts';
import { placeOf } from '../greeting.ts';
import { DEFAULT_DATABASE_URL } from '../node/database/open.ts';
import { exitOnError } from '../run-main.ts';
import { fileArgument } from './file-argument.ts';

await exitOnError(async () => {
  loadEnvFile();
  const config = parseConfig(process.env);
  const url = config.DATABASE_URL ?? DEFAULT_DATABASE_URL;
  const backup = fileArgument();
  if (!backup) throw new ConfigError('say which backup: npm run restore -- FILE');
  tellSummary(`restored to ${placeOf(url)}`, await restore(backup, url, config));
});
