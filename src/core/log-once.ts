/** Warnings that would come with every request, and are wanted once. */
import type { Logger } from './logger.ts';

/** Different ones that are told by a process: whoever asks chooses them. */
const MOST_TOLD = 100;

const toldBy = new WeakMap<Logger, Set<string>>();

/** Warns by this message, unless it was told before. */
export function warnOnce(log: Logger, message: string): void {
  const told = toldBy.get(log) ?? new Set();
  toldBy.set(log, told);
  if (told.has(message) || told.size >= MOST_TOLD) return;
  told.add(message);
  log.warn(message);
}
