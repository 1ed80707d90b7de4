/** Reads a turn for the caller of a request. */
import type { ReadTurn } from '../../core/message.ts';
import { readTurn } from '../../store/turns/read.ts';
import type { AppContext } from './dependencies.ts';
import { required } from './required.ts';

/** @throws ParleyError `not_found` for a turn that is not there, or not the caller's */
export async function turnOf(c: AppContext, turnId: string): Promise<ReadTurn> {
  const { db, config } = c.get('dependencies');
  const principal = c.get('principal');
  return required(await readTurn(db, { turnId, principal, leaseMs: config.TURN_LEASE_MS }), 'Turn');
}
