import { createLogger } from '../../src/core/logger.ts';

/** Tells nobody. */
export const noLog = createLogger({ level: 'error', format: 'json', write: () => undefined });
