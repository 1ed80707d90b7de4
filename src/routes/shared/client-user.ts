/** Finds out for whom other people's clients call, in a server that anybody may call. */
import type { Principal } from '../../core/principal.ts';
import { userIdOf } from '../../core/principal.ts';
import type { AppContext } from './dependencies.ts';
import { invalidInput } from './invalid-input.ts';
import { ownerQuery } from './schemas.ts';

/** The headers by which clients name their user: ours, and that of Open WebUI. */
const HEADERS = ['x-user-id', 'x-openwebui-user-id'];

interface Naming {
  user?: unknown;
  metadata?: unknown;
}

/**
 * Returns the user that a body or a header names, in whatever way; undefined without one. Under a
 * credential it is only the client's own word for somebody.
 */
export function clientUserOf(c: AppContext, body: Naming): string | undefined {
  return firstOf([...namesIn(body), ...HEADERS.map((name) => c.req.header(name))]);
}

/** Returns the user that a body names, in whatever way; undefined without one. */
export function userNamedIn(body: Naming): string | undefined {
  return firstOf(namesIn(body));
}

function namesIn({ user, metadata }: Naming): unknown[] {
  const isNamed = typeof metadata === 'object' && metadata !== null && 'user_id' in metadata;
  return [isNamed ? metadata.user_id : undefined, user];
}

function firstOf(names: unknown[]): string | undefined {
  const named = names.find(Boolean);
  return typeof named === 'string' || typeof named === 'number' ? String(named) : undefined;
}

/**
 * Adds the user that the body or a header names, in a server that anybody may call.
 * @throws ParleyError `invalid_request`
 */
export function nameClient(c: AppContext, body: Naming): void {
  const principal = c.get('principal');
  if (principal.kind === 'user' || userIdOf(principal) !== undefined) return;
  const named = clientUserOf(c, body);
  if (named === undefined) return;
  const parsed = ownerQuery.safeParse({ user_id: named });
  if (!parsed.success) throw invalidInput(parsed.error);
  const caller: Principal = { kind: 'anyone', userId: parsed.data.user_id };
  c.set('principal', caller);
}
