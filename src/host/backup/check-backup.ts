/** Checks that a file is a sound backup. */
import Libsql from 'libsql';
import { ConfigError } from '../../config.ts';

export interface BackupSummary {
  conversations: number;
  messages: number;
  documents: number;
}

/**
 * Checks a backup.
 * @returns how much the backup holds
 * @throws ConfigError when it is damaged, or not a database of this program
 */
export function checkBackup(path: string): BackupSummary {
  try {
    const db = new Libsql(path);
    try {
      const problems = db.prepare('PRAGMA integrity_check').raw().all().flat();
      if (problems.join() !== 'ok') throw new Error(String(problems[0]));
      const count = (table: string): number =>
        Number(db.prepare(`SELECT count(*) FROM ${table}`).raw().all().flat()[0]);
      count('parley_migrations');
      return {
        conversations: count('conversations'),
        messages: count('messages'),
        documents: count('documents'),
      };
    } finally {
      db.close();
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`${path} is no sound backup: ${why}`);
  }
}
