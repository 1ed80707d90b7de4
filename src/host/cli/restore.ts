/** `npm run restore -- FILE`: a backup becomes the database, where there is none yet. */
import { restore } from '../backup/restore.ts';
import { tellSummary } from '../backup/tell-summary.ts';
import { ConfigError } from '../../config.ts';
import { placeOf } from '../greeting.ts';
import { DEFAULT_DATABASE_URL } from '../node/database/open.ts';
import { exitOnError } from '../run-main.ts';
import { commandConfig } from './command-config.ts';
import { fileArgument } from './file-argument.ts';

await exitOnError(async () => {
  const config = commandConfig();
  const url = config.DATABASE_URL ?? DEFAULT_DATABASE_URL;
  const backup = fileArgument();
  if (!backup) throw new ConfigError('say which backup: npm run restore -- FILE');
  tellSummary(`restored to ${placeOf(url)}`, await restore(backup, url, config));
});
