/** Starts real proxies (nginx, Caddy) that are installed on the machine, each in its folder. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { startProcess } from './child-process.ts';
import { request } from './http.ts';
import { removeDirectory } from './places.ts';

export interface Proxy {
  /** What it has written to its log of errors. */
  logs(): string;
  close(): Promise<void>;
}

/** Returns the path of a program such as `nginx`; undefined where it is not installed. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
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
 * Starts a proxy, and waits until it answers.
 * @param directory where it works; removed when it is closed
 * @param url an address at which it answers when it has started
 * @throws Error with its log when it ends, or does not answer within ten seconds
 */
export async function startProxy({
  name,
  args,
  directory,
  env = {},
  url,
}: {
  name: string;
  args: string[];
  directory: string;
  env?: Record<string, string>;
  url: string;
}): Promise<Proxy> {
  const command = findProgram(name);
  if (command === undefined) throw new Error(`${name} is not installed`);
  const path = { PATH: process.env['PATH'] ?? '' };
  const proxy = startProcess({ command, args, cwd: directory, env: { ...path, ...env } });
  const close = async () => {
    await proxy.kill();
    removeDirectory(directory);
  };
  for (let tries = 0; ; tries += 1) {
    const isUp = await request(url, { timeoutMs: 1_000 }).then(
      () => true,
      () => false,
    );
    if (isUp) return { logs: () => proxy.logs(), close };
    if (!proxy.isRunning() || tries > 200) {
      await close();
      throw new Error(`${name} does not answer:\n${proxy.logs()}`);
    }
    await new Promise((done) => setTimeout(done, 50));
  }
}
