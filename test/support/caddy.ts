/** A real Caddy on a folder of its own. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from './places.ts';
import { startProxy, type Proxy } from './proxy-process.ts';

/**
 * Starts Caddy without its interface for operators and without certificates.
 * @param sites the sites of its Caddyfile
 * @param url an address at which it answers when it has started
 */
export function startCaddy(sites: string, url: string): Promise<Proxy> {
  const directory = temporaryDirectory('caddy');
  const file = join(directory, 'Caddyfile');
  writeFileSync(file, `{\n\tadmin off\n\tauto_https off\n}\n${sites}`);
  const args = ['run', '--adapter', 'caddyfile', '--config', file];
  const env = { HOME: directory, XDG_DATA_HOME: directory, XDG_CONFIG_HOME: directory };
  return startProxy({ name: 'caddy', args, directory, env, url });
}
