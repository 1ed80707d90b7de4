/** Finds out for whom a client of OpenAI's API calls, in a server that anybody may call. */
import type { Principal } from '../../core/principal.ts';
import { userIdOf } from '../../core/principal.ts';
import type { AppContext } from '../shared/dependencies.ts';
import { invalidInput } from '../shared/invalid-input.ts';
import { ownerQuery } from '../shared/schemas.ts';

/** The headers by which clients name their user: ours, and that of Open WebUI. */
const HEADERS = ['x-user-id', 'x-openwebui-user-id'];

/**
 * Adds the user that the body or a header names. A credential says by itself whose it is, and
 * `user` is then only the client's own word for somebody.
 * @throws ParleyError `invalid_request`
 */
export function nameClient(
  c: AppContext,
  body: { user?: string | null; metadata?: Record<string, string> | null },
): void {
  const principal = c.get('principal');
  if (principal.kind === 'user' || userIdOf(principal) !== undefined) return;
  const inHeaders = HEADERS.map((name) => c.req.header(name));
  const named = [body.metadata?.['user_id'], body.user, ...inHeaders].find(Boolean);
  if (!named) return;
  const parsed = ownerQuery.safeParse({ user_id: named });
  if (!parsed.success) throw invalidInput(parsed.error);
  const caller: Principal = { kind: 'anyone', userId: parsed.data.user_id };
  c.set('principal', caller);
}
