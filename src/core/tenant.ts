/**
 * Tenants: groups of users whose data lie in a database of their own. A tenant's name becomes part
 * of an address, so it is a label of a host name and nothing else.
 */

/** The place of the tenant in `DATABASE_URL`. */
const PLACE = '{tenant}';
/** A host's label has 63 characters, and servers add words of their own to the name. */
const NAME = /^[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?$/;

/** Returns true for a name that a tenant can have: a-z, 0-9 and dashes within, 48 at most. */
export function isTenant(name: unknown): name is string {
  return typeof name === 'string' && NAME.test(name);
}

/** Returns true when each tenant has a database of its own at such an address. */
export function hasTenants(databaseUrl: string | undefined): boolean {
  return databaseUrl?.includes(PLACE) ?? false;
}

/**
 * Returns the address of a tenant's database.
 * @throws RangeError when no tenant can have the name
 */
export function urlOfTenant(databaseUrl: string, tenant: string): string {
  if (!isTenant(tenant)) throw new RangeError('this is no name of a tenant');
  return databaseUrl.replaceAll(PLACE, tenant);
}
