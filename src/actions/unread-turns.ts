/** Notes turns that nobody has read, for whoever asks the same again. */
import type { Key } from '../store/idempotency-keys.ts';
import { noteUnread, takeUnread } from '../store/unread-turns.ts';
import type { ActionContext } from './context.ts';

/** Notes that the client of a turn had gone before anything was told it. */
export function leaveUnread({ dependencies }: ActionContext, key: Key, turnId: string): void {
  const { db, log } = dependencies;
  dependencies.defer(
    noteUnread(db, key, turnId).catch((error: unknown) =>
      log.warn('a turn that nobody has read could not be noted', { error }),
    ),
  );
}

/** Forgets that a turn is unread, since its client has found it by other means. */
export function foundUnread({ dependencies }: ActionContext, key: Key | undefined): void {
  if (!key?.isForUnread) return;
  const { db, log } = dependencies;
  dependencies.defer(
    takeUnread(db, key).catch((error: unknown) =>
      log.warn('a turn that is read now could not be noted', { error }),
    ),
  );
}
