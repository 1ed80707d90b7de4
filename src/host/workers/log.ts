/** The log on Workers: lines go to the console, with their levels. */
import { createLogger, type Logger, type LogLevel } from '../../core/logger.ts';
import type { Config } from '../../config.ts';

export function createWorkerLogger({
  LOG_LEVEL,
  LOG_FORMAT,
}: Pick<Config, 'LOG_LEVEL'> & Partial<Pick<Config, 'LOG_FORMAT'>>): Logger {
  return createLogger({ level: LOG_LEVEL, format: LOG_FORMAT ?? 'json', write: writeLine });
}

function writeLine(line: string, level: LogLevel): void {
  if (level === 'error') console.error(line);
  else if (level === 'warn') console.warn(line);
  else console.log(line);
}
