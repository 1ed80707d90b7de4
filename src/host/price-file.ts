/** Reads the file that `MODEL_PRICES` may name: a Worker has no files, and takes JSON alone. */
import { readFileSync } from 'node:fs';
import { ConfigError, type Config } from '../config.ts';

/**
 * Returns the configuration with the table of prices in it, where it named a file.
 * @throws ConfigError when the file cannot be read
 */
export function withPriceFile(config: Config): Config {
  const path = config.MODEL_PRICES;
  if (path === undefined || path.trimStart().startsWith('[')) return config;
  try {
    return { ...config, MODEL_PRICES: readFileSync(path, 'utf8') };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`invalid environment: MODEL_PRICES: ${path} cannot be read: ${why}`);
  }
}
