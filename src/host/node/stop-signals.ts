/**
 * Handles the signals that stop `npm start`: the first lets running turns end, a second does not
 * wait.
 */
import type { Logger } from '../../core/logger.ts';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/**
 * The time within which two signals count as one, in milliseconds: Ctrl-C reaches npm and us, and
 * npm forwards its own.
 */
const SAME_SIGNAL_MS = 500;

/**
 * Listens for signals to stop.
 * @param drain is called once, and ends the process when it is done
 */
export function onStopSignal(drain: () => Promise<void>, log: Logger): void {
  let stoppedAt: number | undefined;
  const stop = (signal: string) => {
    if (stoppedAt === undefined) {
      stoppedAt = performance.now();
      log.info('stopping; a second signal does not wait for running turns', { signal });
      drain().catch((error: unknown) => {
        log.error('the shutdown failed', { error });
        process.exit(1);
      });
    } else if (performance.now() - stoppedAt > SAME_SIGNAL_MS) {
      log.warn('stopped at once by a second signal', { signal });
      process.exit(1);
    }
  };
  for (const signal of SIGNALS) process.on(signal, stop);
}
