/**
 * Reads `.env`, whose variables the environment overrides. Node's own option complains when there
 * is no such file.
 */
import { ConfigError } from '../config.ts';

const OPTION = '--env=';

/**
 * Reads the file that the command line names by `--env=PATH`, if it is there.
 * @throws ConfigError when it cannot be read
 */
export function loadEnvFile(args: readonly string[] = process.argv): void {
  const path = args.findLast((argument) => argument.startsWith(OPTION))?.slice(OPTION.length);
  if (path === undefined) return;
  try {
    process.loadEnvFile(path);
  } catch (error) {
    if (isMissing(error)) return;
    const why = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`${path} cannot be read: ${why}`);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
