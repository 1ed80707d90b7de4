/** A claim says the same of its messages as a later reading of the turn. */
import { expect, it } from 'vitest';
import { newId } from '../../../../src/core/ids.ts';
import { ANYONE } from '../../../../src/core/principal.ts';
import { claimTurn } from '../../../../src/store/turns/claim-turn.ts';
import type { TurnClaim } from '../../../../src/store/turns/claim.ts';
import type { ClaimInput } from '../../../../src/store/turns/placement.ts';
import { readTurn } from '../../../../src/store/turns/read.ts';
import { newClaim } from './new-claim.ts';
import { migratedDatabase } from '../migrated-database.ts';

const LIMITS = { leaseMs: 60_000, windowMessages: 20 };
const db = migratedDatabase();

const first = newClaim();

/** Claims a later turn of the first one's conversation. */
function claimLater(input: ClaimInput): TurnClaim {
  const { conversationId, principal, title, model, defaultModel } = first;
  const ids = {
    turnId: newId(),
    assistantMessageId: newId(),
    instanceId: newId(),
    answerClientId: null,
  };
  return { ...ids, conversationId, principal, title, model, defaultModel, input };
}

/**
 * Accepts a claim and ends its turn. Returns its siblings as it says them, and as they are read.
 */
async function siblingsOf(claim: TurnClaim) {
  const claimed = await claimTurn(db, claim, LIMITS);
  if (claimed.kind !== 'accepted') throw new Error(`The claim was refused: ${claimed.kind}`);
  const { turnId } = claim;
  const read = await readTurn(db, { turnId, principal: ANYONE, leaseMs: LIMITS.leaseMs });
  await db.batch(
    [{ sql: `UPDATE turns SET state = 'ended' WHERE id = ?`, args: [turnId] }],
    'write',
  );
  return {
    said: { question: claimed.prompt.siblings, answer: claimed.siblings },
    read: {
      question: read?.head.userMessage.siblings,
      answer: read?.head.assistantMessage.siblings,
    },
  };
}

it('a claim counts siblings as a reading of its turn does', async () => {
  if (first.input.kind !== 'message') throw new Error('The first claim brings a message');
  const { messageId } = first.input;
  const alone = { index: 1, count: 1 };
  const older = { index: 1, count: 2 };
  const newer = { index: 2, count: 2 };
  const expected: [TurnClaim, question: typeof alone, answer: typeof alone][] = [
    [first, alone, alone],
    [claimLater({ ...first.input, messageId: newId(), parentId: null }), newer, alone],
    [claimLater({ kind: 'regenerate', promptId: messageId }), older, newer],
  ];
  for (const [claim, question, answer] of expected) {
    const { said, read } = await siblingsOf(claim);
    expect(said).toEqual({ question, answer });
    expect(said).toEqual(read);
  }
});

it('a message follows an answer that is remembered only as it was, and asks nothing twice', async () => {
  const { principal, title, model, defaultModel, input } = newClaim();
  if (input.kind !== 'message') throw new Error('The first claim brings a message');
  const begun = { ...newClaim(), input: { ...input, historyHash: 'one' } };
  await siblingsOf(begun);
  const answer = begun.assistantMessageId;
  const set = (column: string, value: string | number) =>
    db.batch(
      [{ sql: `UPDATE messages SET ${column} = ? WHERE id = ?`, args: [value, answer] }],
      'write',
    );
  const claim = (asked: string, after: { question: string; textLength: number }, id = answer) =>
    claimTurn(
      db,
      {
        ...newClaim(),
        ...{ principal, title, model, defaultModel, conversationId: begun.conversationId },
        create: undefined,
        input: { ...input, messageId: newId(), parentId: id, historyHash: asked, after },
      },
      LIMITS,
    );
  const right = { question: 'one', textLength: 0 };
  // The answer still grows, as far as the message says.
  expect(await claim('two', right)).toEqual({ kind: 'not_found' });
  await set('status', 'complete');
  expect(await claim('two', { ...right, textLength: 7 })).toEqual({ kind: 'not_found' });
  expect(await claim('two', { ...right, question: 'other' })).toEqual({ kind: 'not_found' });
  expect(await claim('one', right)).toEqual({ kind: 'not_found' });
  expect(await claim('two', right, newId())).toEqual({ kind: 'message_not_found' });
  await db.batch(
    [
      {
        sql: 'UPDATE conversations SET is_temporary = 1 WHERE id = ?',
        args: [begun.conversationId],
      },
    ],
    'write',
  );
  expect(await claim('two', right)).toEqual({ kind: 'not_found' });
  await db.batch(
    [
      {
        sql: 'UPDATE conversations SET is_temporary = 0 WHERE id = ?',
        args: [begun.conversationId],
      },
    ],
    'write',
  );
  expect(await claim('two', right)).toMatchObject({ kind: 'accepted' });
});
