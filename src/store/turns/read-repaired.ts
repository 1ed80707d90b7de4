/** Reading what may show a running turn: one whose owner has gone is ended first. */
import { and, eq, type Placeholder, type SQL } from 'drizzle-orm';
import type { Database } from '../database.ts';
import { batch, prepare, query, type Given, type Results, type TypedStatement } from '../query.ts';
import { turns } from '../schema.ts';
import { isIn } from './running-in.ts';
import { interruptStale, isStale, secondLook } from './interrupt.ts';

/** The turn, or the conversation, whose running turn may have lost its owner. */
export type MaybeStale = { turnId: string } | { conversationId: string };

const selectStaleTurn = prepare(({ turnId, leaseMs }: Given<'turnId' | 'leaseMs'>) =>
  selectStale(eq(turns.id, turnId), leaseMs),
);

const selectStaleIn = prepare(({ conversationId, leaseMs }: Given<'conversationId' | 'leaseMs'>) =>
  selectStale(isIn(conversationId), leaseMs),
);

function selectStale(which: SQL, leaseMs: Placeholder) {
  return query
    .select({ conversationId: turns.conversationId })
    .from(turns)
    .where(and(which, isStale(leaseMs)));
}

interface Reading<Selected extends readonly TypedStatement<unknown>[]> {
  /** The statements whose results are wanted, in their order. */
  select: Selected;
  stale: MaybeStale;
  leaseMs: number;
}

/** Reads in one request; when the turn has lost its owner, ends it and reads again. */
export async function readRepaired<const Selected extends readonly TypedStatement<unknown>[]>(
  db: Database,
  { select, stale, leaseMs }: Reading<Selected>,
): Promise<Results<Selected>> {
  const check =
    'turnId' in stale
      ? selectStaleTurn({ ...stale, leaseMs })
      : selectStaleIn({ ...stale, leaseMs });
  const [[lost], results] = await batch(db, [check, select], 'read');
  // The compiler does not see through a list that is generic.
  if (!lost) return results as Results<Selected>;
  await secondLook();
  const repair = interruptStale(lost.conversationId, leaseMs);
  const [, repaired] = await batch(db, [repair, select], 'write');
  return repaired as Results<Selected>;
}
