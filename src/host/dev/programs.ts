/** Runs the programs of `npm run dev`, and ends them together. */
import { spawn, type ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { ConfigError } from '../../config.ts';

export const root = resolve(import.meta.dirname, '../../..');

/** The time that a program gets to end before it is killed, in milliseconds. */
const PATIENCE_MS = 5_000;
/** The time in which the last lines of a program that has ended are read, in milliseconds. */
const LAST_LINES_MS = 200;
/** The most lines of a program that are kept, to say why it ended. */
const MOST_KEPT = 40;

/** Returns what to print for a line of a program; undefined for a line that says nothing. */
export type LineFilter = (line: string) => string | undefined;

export interface Program {
  name: string;
  /** Rejects when the program cannot be started, or ends without being asked to. */
  ended: Promise<never>;
  /** Returns the last lines that it wrote. */
  lastLines(): string;
}

interface StartOptions {
  env?: Record<string, string>;
  filter: LineFilter;
}

export class Programs {
  readonly #children: ChildProcess[] = [];
  #isStopping = false;

  /** Starts a program of `node_modules`. */
  start(name: string, args: readonly string[], { env = {}, filter }: StartOptions): Program {
    const child = spawn(resolve(root, 'node_modules/.bin', name), args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl-C reaches all processes of a terminal's group. These end in their order instead.
      detached: true,
    });
    this.#children.push(child);
    const kept: string[] = [];
    const keep = (line: string) => {
      kept.push(line);
      if (kept.length > MOST_KEPT) kept.shift();
      const shown = this.#isStopping ? undefined : filter(line);
      if (shown !== undefined) console.log(shown);
    };
    readLines(child.stdout, keep);
    readLines(child.stderr, keep);
    const lastLines = () => kept.join('\n').trim();
    const ended = this.#endOf(name, child);
    // Whoever waits for it is told; when nobody does any more, it is no unhandled rejection.
    ended.catch(() => undefined);
    return { name, ended, lastLines };
  }

  #endOf(name: string, child: ChildProcess): Promise<never> {
    return new Promise((_, reject) => {
      const rejectWith = (message: string) => {
        if (!this.#isStopping) reject(new ConfigError(message));
      };
      child.once('error', (error) => rejectWith(`${name} cannot be started: ${error.message}`));
      child.once('exit', (code, signal) => {
        const message = `${name} has ended by itself (${signal ?? `exit code ${code}`})`;
        // Its last lines are read first. Programs that it started may keep its output open.
        setTimeout(() => rejectWith(message), LAST_LINES_MS);
      });
    });
  }

  /** Ends the programs, the last one first: it needs those before it. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const child of this.#children.splice(0).toReversed()) await end(child);
  }
}

function readLines(stream: Readable, take: (line: string) => void): void {
  createInterface({ input: stream }).on('line', take);
}

async function end(child: ChildProcess): Promise<void> {
  const { pid } = child;
  if (pid === undefined) return;
  if (child.exitCode === null && child.signalCode === null) {
    const ended = new Promise((done) => child.once('exit', done));
    const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
    child.kill('SIGTERM');
    await ended;
    clearTimeout(timer);
  }
  killGroup(pid);
}

/** Kills what a program that has ended may have left behind. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // There is nothing left, as it should be.
  }
}

/**
 * Resolves when `isUp` does so with true; it is asked again and again.
 * @throws ConfigError with the last lines of the program when it ends or takes too long
 */
export async function waitUntilUp(
  program: Program,
  isUp: () => Promise<boolean>,
  limitMs: number,
): Promise<void> {
  const deadline = performance.now() + limitMs;
  const ended = program.ended.catch((error: Error) => {
    const lines = program.lastLines();
    throw new ConfigError(`${error.message}${lines ? `:\n${lines}` : ''}`);
  });
  ended.catch(() => undefined);
  while (performance.now() < deadline) {
    if (await Promise.race([isUp().catch(() => false), ended])) return;
    await Promise.race([new Promise((tick) => setTimeout(tick, 50)), ended]);
  }
  throw new ConfigError(
    `${program.name} did not answer within ${limitMs / 1000} s:\n${program.lastLines()}`,
  );
}
