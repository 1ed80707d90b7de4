/**
 * The log on Node: lines to the standard output, which are written together, since each write is a
 * system call.
 */
import { createLogger, type LogFormat, type Logger } from '../../core/logger.ts';
import type { Config } from '../../config.ts';

/** The time for which a line may wait for others, in milliseconds; an error never waits. */
const WAIT_MS = 50;
/** The most lines that wait. */
const MOST_WAITING = 1_000;

type LogSettings = Pick<Config, 'LOG_LEVEL' | 'LOG_FORMAT'>;

export function formatOf({ LOG_FORMAT }: Pick<LogSettings, 'LOG_FORMAT'>): LogFormat {
  return LOG_FORMAT ?? (process.stdout.isTTY ? 'pretty' : 'json');
}

export function createNodeLogger(settings: LogSettings): Logger {
  const output = process.stdout;
  let waiting: string[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (waiting.length === 0) return;
    const lines = waiting;
    waiting = [];
    output.write(`${lines.join('\n')}\n`);
  };
  // A reader of the log that goes away must not stop the server.
  output.on('error', () => undefined);
  process.on('exit', flush);
  return createLogger({
    level: settings.LOG_LEVEL,
    format: formatOf(settings),
    write: (line, level) => {
      waiting.push(line);
      if (level === 'error' || waiting.length >= MOST_WAITING) flush();
      else timer ??= setTimeout(flush, WAIT_MS).unref();
    },
  });
}
