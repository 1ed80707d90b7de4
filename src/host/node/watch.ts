/** `npm start -- --watch`: restarts the server whenever a source file changes. */
import { spawn } from 'node:child_process';

const OPTION = '--watch';

/** Runs this program under Node's watcher instead of here, if the command line asks for it. */
export function runWatched(): boolean {
  const [node = '', script = '', ...args] = process.argv;
  if (!args.includes(OPTION)) return false;
  const others = args.filter((argument) => argument !== OPTION);
  const watcher = spawn(
    node,
    [...process.execArgv, OPTION, '--watch-preserve-output', script, ...others],
    { stdio: 'inherit' },
  );
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    process.on(signal, () => watcher.kill(signal));
  watcher.once('exit', (code) => process.exit(code ?? 1));
  return true;
}
