import type { BackupSummary } from './check-backup.ts';

/** Prints what a backup holds. */
export function tellSummary(what: string, { conversations, messages, documents }: BackupSummary) {
  console.log(
    `${what}: ${conversations} conversations, ${messages} messages, ${documents} documents`,
  );
}
