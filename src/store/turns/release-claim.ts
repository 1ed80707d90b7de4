/** The way back from an acceptance that nobody was told of. */
import { keyArgs, type TurnClaim } from './claim.ts';
import { releaseBinding } from '../credentials/tickets.ts';
import type { Database, Statement } from '../database.ts';
import { forgetFiles } from '../files/message-files.ts';
import { rememberKey, releaseKey } from '../idempotency-keys.ts';
import { releaseSteering } from './steering.ts';

/**
 * Takes back a claim whose fate is unknown, as if it had never been made. The client was refused,
 * because the database did not say whether it had accepted the claim. A sweep may have ended the
 * turn meanwhile; it stays only when the conversation has a later turn.
 */
export async function releaseClaim(
  db: Database,
  claim: TurnClaim,
  retryForMs: number,
): Promise<void> {
  const mine = `(SELECT t.id FROM turns t JOIN conversations c ON c.id = t.conversation_id
    WHERE t.id = ? AND t.instance_id = ? AND t.sequence_number = c.last_sequence_number)`;
  const args = [claim.turnId, claim.instanceId];
  const added = claim.input.kind === 'message' ? 2 : 1;
  const previousHead = '(SELECT previous_head_id FROM turns WHERE id = ?)';
  await db.batch(
    [
      {
        // By their ids: nothing finds messages by their turn.
        sql: `DELETE FROM messages WHERE id IN (?, ?) AND turn_id IN ${mine}`,
        args: [newMessageOf(claim), claim.assistantMessageId, ...args],
      },
      {
        sql: `DELETE FROM idempotency_keys WHERE scope = ? AND key = ? AND resource_id IN ${mine}`,
        args: [...keyArgs(claim), ...args],
      },
      {
        sql: `UPDATE conversations SET last_sequence_number = last_sequence_number - ?,
            head_message_id = ${previousHead},
            message_count = coalesce((SELECT depth FROM messages WHERE id = ${previousHead}), 0),
            title = CASE WHEN last_sequence_number = 2 AND title = ? THEN NULL ELSE title END
          WHERE id IN (SELECT conversation_id FROM turns WHERE id IN ${mine})`,
        args: [added, claim.turnId, claim.turnId, claim.title, ...args],
      },
      // From here on the claim's turn is the one that is ahead of its conversation.
      {
        sql: `DELETE FROM conversations WHERE last_sequence_number = 0
          AND id IN (SELECT conversation_id FROM turns WHERE id = ? AND instance_id = ? AND created = 1)`,
        args,
      },
      {
        sql: `DELETE FROM turns WHERE id = ? AND instance_id = ?
          AND sequence_number > (SELECT last_sequence_number FROM conversations c WHERE c.id = conversation_id)`,
        args,
      },
      ...releaseSteering(claim),
      ...forgotten(claim),
      ...releaseBinding(claim),
      // It may be under way still, held up by whatever lies between.
      rememberKey(releaseKey(claim.turnId), { sql: 'SELECT ? AS id', args: [claim.turnId] }),
    ],
    'write',
    retryForMs,
  );
}

function forgotten({ input }: TurnClaim): Statement[] {
  return input.kind === 'message' ? forgetFiles(input.messageId, input.parts) : [];
}

/** The user's message, where this claim made one: what is answered again stays. */
function newMessageOf({ input }: TurnClaim): string {
  return input.kind === 'message' ? input.messageId : '';
}
