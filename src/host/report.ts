/** Reports errors of a Worker, which has no start at which a logger could be made. */
import { createLogger, reportTo } from '../core/logger.ts';

export const report = reportTo(
  createLogger({ level: 'error', format: 'json', write: (line) => console.error(line) }),
);
