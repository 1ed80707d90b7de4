/** Makes API keys by the command that operators use. */
import { execFile } from 'node:child_process';
import { cleanEnvironment, localCommand, repository } from './places.ts';

export interface KeyOptions {
  user: string;
  scope?: 'admin';
  /** A duration such as `90d`. */
  expires?: string;
  name?: string;
  tenant?: string;
}

/** Makes a key in a database. @returns its text */
export async function createKey(databaseUrl: string, options: KeyOptions): Promise<string> {
  const { output } = await runKeys(databaseUrl, [
    'create',
    ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]),
  ]);
  const [key = ''] = /parley_\w+/u.exec(output) ?? [];
  if (key === '') throw new Error(`no key was made: ${output}`);
  return key;
}

/** The public id in a key's text. */
export function idOfKey(key: string): string {
  return key.split('_')[1] ?? '';
}

/** Runs `npm run keys -- …`. @returns its exit code and all that it said */
export async function runKeys(
  databaseUrl: string,
  args: string[],
): Promise<{ exit: number | string; output: string }> {
  const command = ['--disable-warning=ExperimentalWarning', 'src/host/cli/keys.ts', ...args];
  const env = cleanEnvironment({ DATABASE_URL: databaseUrl }, repository);
  return new Promise((resolve) => {
    execFile(
      localCommand('node', repository),
      command,
      { cwd: repository, env },
      (error, out, err) => resolve({ exit: error?.code ?? 0, output: out + err }),
    );
  });
}
