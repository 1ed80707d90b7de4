import { ConfigError, type Config } from '../config.ts';
import { isLoopback } from '../core/loopback.ts';
import { ParleyError } from '../core/errors.ts';

/** Runs a program's main function, and prints an error that stops its start as one clear line. */
export async function exitOnError(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    const expected = error instanceof ConfigError || error instanceof ParleyError;
    console.error(expected ? `parley: ${describe(error)}` : error);
    process.exitCode = 1;
    process.exit();
  }
}

/**
 * Refuses to start a server without authentication that other machines can reach.
 * @throws ConfigError when `AUTH` is not set and `HOST` is no loopback address
 */
export function requireAuthOffLoopback({ HOST, AUTH }: Pick<Config, 'HOST' | 'AUTH'>): void {
  if (AUTH !== undefined || isLoopback(HOST)) return;
  throw new ConfigError(
    `HOST=${HOST} can be reached from elsewhere and nothing protects it: set AUTH=keys or ` +
      `AUTH=jwt, or AUTH=none if that is meant`,
  );
}

/** Returns the address of a server, with an IPv6 host in brackets. */
export function addressOf(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function describe(error: Error): string {
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}
