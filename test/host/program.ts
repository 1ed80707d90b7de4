/** The product's programs as a user starts them, up to how they end. */
import { startProcess, type ServerProcess } from '../support/child-process.ts';
import { cleanEnvironment, localCommand, nodeScript, repository } from '../support/places.ts';

/** Starts `npm start` or `npm run dev` with this environment and nothing else. */
export function startProgram(
  script: 'start' | 'dev',
  env: Record<string, string>,
  more: readonly string[] = [],
): ServerProcess {
  const args = nodeScript(script, [`src/host/${script === 'start' ? 'node' : 'dev'}/main.ts`]);
  return startProcess({
    command: localCommand('node'),
    args: [...args, ...more],
    cwd: repository,
    env: cleanEnvironment(env),
  });
}

/** Resolves with the whole output and how it ended; kills it after `timeoutMs`. */
export async function runToEnd(program: ServerProcess, timeoutMs = 20_000) {
  const late = setTimeout(() => void program.kill(), timeoutMs);
  const exit = await program.exited;
  clearTimeout(late);
  return { exit, output: program.logs() };
}

/** The address that a server says it listens on. */
export async function addressOf(program: ServerProcess, timeoutMs = 60_000): Promise<string> {
  const [, url = ''] = await program.waitForOutput(/listening on (http:\/\/\S+)/u, timeoutMs);
  return url;
}
