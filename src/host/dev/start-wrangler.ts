/**
 * Starts `wrangler dev`, which builds the Worker, serves it and builds it again when it changes.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { waitUntilUp, type Program, type Programs } from './programs.ts';
import { createWranglerFilter } from './wrangler-output.ts';

/** Generous, since a busy machine may take a minute for the first build. */
const LIMIT_MS = 120_000;

interface Settings {
  host: string;
  port: number;
  /** The address at which it is going to answer. */
  address: string;
  /** The directory for what it keeps. */
  directory: string;
  /** The variables that the Worker finds in its environment. */
  variables: Readonly<Record<string, string>>;
}

/**
 * Starts it.
 * @returns when the Worker answers
 * @throws ConfigError when it does not start
 */
export async function startWrangler(
  programs: Programs,
  { host, port, address, directory, variables }: Settings,
): Promise<Program> {
  // Every user of this machine can read the command line, so secrets go by a file.
  const file = resolve(directory, `wrangler-${port}.env`);
  writeFileSync(file, envFileOf(variables), { mode: 0o600 });
  process.once('exit', () => rmSync(file, { force: true }));
  const wrangler = programs.start(
    'wrangler',
    [
      'dev',
      ...['--ip', host, '--port', String(port), '--inspector-port', '0'],
      ...['--persist-to', resolve(directory, `wrangler-${port}`), '--env-file', file],
      // Only this level tells of reloads, and passes on the log of the Worker.
      ...['--log-level', 'log', '--show-interactive-dev-session=false'],
    ],
    { env: QUIET, filter: createWranglerFilter() },
  );
  await waitUntilUp(wrangler, async () => (await fetch(`${address}/ready`)).status > 0, LIMIT_MS);
  return wrangler;
}

/** Keeps it from asking other machines: for statistics, a newer version, or where this one is. */
const QUIET = {
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  NO_COLOR: '1',
};

/** Returns the lines of an env file. Values may hold any quote, but not all three. */
function envFileOf(variables: Readonly<Record<string, string>>): string {
  const lines = Object.entries(variables).map(([name, value]) => {
    const quote = ["'", '`', '"'].find((mark) => !value.includes(mark)) ?? "'";
    return `${name}=${quote}${value}${quote}`;
  });
  return `${lines.join('\n')}\n`;
}
