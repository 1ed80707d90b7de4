/** Starts the `sqld` of `npm run dev`. */
import { freePort } from './free-port.ts';
import { waitUntilUp, type Program, type Programs } from './programs.ts';
import { sqldArguments } from './sqld.ts';

const LIMIT_MS = 10_000;

/**
 * Starts `sqld` on a free port.
 * @param directory the directory of its data
 * @returns its address, once it answers
 * @throws ConfigError when it does not start
 */
export async function startSqld(
  programs: Programs,
  directory: string,
): Promise<{ url: string; sqld: Program }> {
  const address = `127.0.0.1:${await freePort()}`;
  const url = `http://${address}`;
  const sqld = programs.start('sqld', sqldArguments(directory, address), {
    env: { RUST_LOG: 'warn', NO_COLOR: '1' },
    filter: (line) => (line.trim() === '' ? undefined : `sqld: ${line}`),
  });
  await waitUntilUp(sqld, async () => (await fetch(`${url}/health`)).ok, LIMIT_MS);
  return { url, sqld };
}
