/** Gives a request the database of its caller's tenant, where each tenant has one. */
import { ParleyError, unauthenticated } from '../../core/errors.ts';
import { warnOnce } from '../../core/log-once.ts';
import type { IdentifiedUser } from '../../core/principal.ts';
import { isMissing } from '../../store/database.ts';
import { TracedTurnService } from '../../turns/traced-turn-service.ts';
import type { AppContext } from './dependencies.ts';

const NO_TENANT =
  'a token names no tenant (a-z, 0-9 and dashes) in the claim that JWT_TENANT_CLAIM says';

/**
 * Opens the database of the caller's tenant for the request. A server of databases may say that it
 * has none while it closes another: the credential of a tenant that was seen is then unknown, and
 * not wrong. That of another one was made up by somebody, who learns nothing of which there are.
 * @throws ParleyError `unauthenticated`, `database_unavailable`, `forbidden` for a token of a
 *   tenant that never had a database here
 */
export async function enterTenant(c: AppContext, { tenant, proof }: IdentifiedUser): Promise<void> {
  const dependencies = c.get('dependencies');
  const { tenants, log } = dependencies;
  if (!tenants) return;
  if (tenant === undefined) {
    if (!proof) warnOnce(log, NO_TENANT);
    throw unauthenticated();
  }
  try {
    const opened = await tenants.open(tenant);
    const span = c.get('span');
    const turns = span ? new TracedTurnService(opened.turns, span) : opened.turns;
    c.set('dependencies', { ...dependencies, ...opened, turns });
  } catch (error) {
    if (!isMissing(error) || tenants.knows(tenant)) throw error;
    const detail = `The tenant ${tenant} has no database here`;
    throw proof ? unauthenticated() : new ParleyError({ code: 'forbidden', detail });
  }
}
