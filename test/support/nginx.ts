/** A real nginx on a folder of its own. */
import { accessSync, chmodSync, constants, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { startProcess } from './child-process.ts';
import { removeDirectory, temporaryDirectory } from './places.ts';
import { request } from './http.ts';

export interface Nginx {
  /** What it has written to its log of errors. */
  logs(): string;
  close(): Promise<void>;
}

/** Returns the path of nginx; undefined where it is not installed. */
export function findNginx(): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, 'nginx')).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Starts nginx.
 * @param http what stands in its `http` block, besides places for files; all else is the default
 * @param url an address at which it answers when it has started
 */
export async function startNginx(http: string, url: string): Promise<Nginx> {
  const command = findNginx();
  if (command === undefined) throw new Error('nginx is not installed');
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
  const nginx = startProcess({
    command,
    args: ['-c', file, '-p', directory, '-e', 'stderr'],
    cwd: directory,
    env: { PATH: process.env['PATH'] ?? '' },
  });
  const close = async () => {
    await nginx.kill();
    removeDirectory(directory);
  };
  for (let tries = 0; ; tries += 1) {
    const isUp = await request(url, { timeoutMs: 1_000 }).then(
      () => true,
      () => false,
    );
    if (isUp) return { logs: () => nginx.logs(), close };
    if (!nginx.isRunning() || tries > 200) {
      await close();
      throw new Error(`nginx does not answer:\n${nginx.logs()}`);
    }
    await new Promise((done) => setTimeout(done, 50));
  }
}
