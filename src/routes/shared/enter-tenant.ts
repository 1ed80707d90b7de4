/** Gives a request the database of its caller's tenant, where each tenant has one. */
import { ParleyError, unauthenticated } from '../../core/errors.ts';
import { warnOnce } from '../../core/log-once.ts';
import type { IdentifiedUser } from '../../core/principal.ts';
import { isMissing } from '../../store/database.ts';
import type { AppContext } from './dependencies.ts';

const NO_TENANT =
  'a token names no tenant (a-z, 0-9 and dashes) in the claim that JWT_TENANT_CLAIM says';

/**
 * Opens the database of the caller's tenant for the request. A credential of ours that names a
 * tenant without a database was never given out: it learns nothing.
 * @throws ParleyError `unauthenticated`, `forbidden` for a token of a tenant without a database
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
    c.set('dependencies', { ...dependencies, ...(await tenants.open(tenant)) });
  } catch (error) {
    if (!isMissing(error)) throw error;
    const detail = `The tenant ${tenant} has no database here`;
    throw proof ? unauthenticated() : new ParleyError({ code: 'forbidden', detail });
  }
}
