import { createLogger } from '../../src/core/logger.ts';

/** A logger that writes nothing. */
export const noLog = createLogger({ level: 'error', format: 'json', write: () => undefined });
