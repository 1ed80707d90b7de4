/** A real nginx on a folder of its own. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from './places.ts';
import { startProxy, type Proxy } from './proxy-process.ts';

/**
 * Starts nginx.
 * @param http what stands in its `http` block, besides places for files; all else is the default
 * @param url an address at which it answers when it has started
 */
export function startNginx(http: string, url: string): Promise<Proxy> {
  const directory = temporaryDirectory('nginx');
  // Its workers run as another user.
  chmodSync(directory, 0o777);
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${directory}/${name};`,
  );
  const configuration = `
    daemon off;
    pid ${directory}/pid;
    error_log stderr warn;
    events {}
    http {
      access_log off;
      ${places.join('\n')}
      ${http}
    }`;
  const file = join(directory, 'nginx.conf');
  writeFileSync(file, configuration);
  const args = ['-c', file, '-p', directory, '-e', 'stderr'];
  return startProxy({ name: 'nginx', args, directory, url });
}
