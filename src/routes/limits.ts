/** The routes of limits: what a user may, what is left, and the limits of one user or key. */
import { z } from '@hono/zod-openapi';
import { ParleyError } from '../core/errors.ts';
import { NANODOLLARS } from '../core/ledger.ts';
import { LIMIT_NAMES, NO_LIMITS } from '../core/limits.ts';
import { hasScope, keyIdOf, requireUserId, tenantOf } from '../core/principal.ts';
import { readBudget } from '../store/limits/budget.ts';
import { setKeyLimits, setLimits, type OwnLimits } from '../store/limits/own-limits.ts';
import { openStreamsOf, type StreamReader } from '../turns/limit-streams.ts';
import { limitHeaders, limitsView } from '../wire/limits-view.ts';
import type { AppContext } from './shared/dependencies.ts';
import { nameUser } from './shared/identify.ts';
import { bodyOf } from './shared/known-fields.ts';
import { required } from './shared/required.ts';
import { body, commonProblems, json } from './shared/responses.ts';
import { createRouter, route, type Router } from './shared/router.ts';
import * as schemas from './shared/schemas.ts';

const tags = ['usage'];

const limitsSchema = z
  .looseObject({
    user_id: z.string(),
    limits: z.array(
      z.looseObject({
        name: z.enum(LIMIT_NAMES),
        of: z.enum(['user', 'key']),
        limit: z.number(),
        used: z.number(),
        reserved: z.number(),
        remaining: z.number(),
        resets_in: z.int().optional(),
      }),
    ),
  })
  .openapi('Limits');

const whole = z.int().min(0).max(1_000_000_000_000).nullish();

const fields = {
  requests_per_minute: whole,
  turns_at_once: whole,
  streams: whole,
  tokens_per_day: whole,
  tokens_per_month: whole,
  cost_per_month: z.number().min(0).max(1_000_000).nullish(),
};
const ownLimits = bodyOf(fields).openapi('OwnLimits');

/** Files are a user's, and no key's. */
const userLimits = bodyOf({ ...fields, stored_bytes: whole }).openapi('UserLimits');

const userParam = z.object({ user_id: schemas.userId });
const answer = json(limitsSchema, 'The limits that are set, and how each stands');
const responses = { 200: answer, ...commonProblems };

export function limitsRouter() {
  const router = createRouter();
  addReading(router);
  addUserLimits(router);
  addKeyLimits(router);
  return router;
}

function addReading(router: Router): void {
  route(
    router,
    {
      method: 'get',
      path: '/limits',
      tags,
      operationId: 'getLimits',
      summary: 'What a caller may, and what is left',
      request: { query: schemas.ownerQuery },
      responses,
    },
    (c) => {
      const principal = c.get('principal');
      return shown(c, { userId: requireUserId(principal), keyId: keyIdOf(principal) ?? null });
    },
  );
}

function addUserLimits(router: Router): void {
  route(
    router,
    {
      method: 'put',
      path: '/users/{user_id}/limits',
      tags,
      operationId: 'setLimits',
      summary: 'Set the limits of a single user',
      request: { params: userParam, body: body(userLimits) },
      responses,
    },
    async (c) => {
      const userId = nameUser(c, c.req.valid('param').user_id);
      requireAdmin(c);
      await setLimits(c.get('dependencies').db, userId, storedLimits(c.req.valid('json')));
      return shown(c, { userId, keyId: null });
    },
  );
}

function addKeyLimits(router: Router): void {
  route(
    router,
    {
      method: 'put',
      path: '/keys/{id}/limits',
      tags,
      operationId: 'setKeyLimits',
      summary: 'Set the limits of a single key',
      request: { params: schemas.idParam, query: schemas.ownerQuery, body: body(ownLimits) },
      responses,
    },
    async (c) => {
      requireAdmin(c);
      const { id: keyId } = c.req.valid('param');
      const which = { keyId, userId: c.get('namedUser') };
      const own = storedLimits(c.req.valid('json'));
      const userId = await setKeyLimits(c.get('dependencies').db, which, own);
      return shown(c, { userId: required(userId, 'Key'), keyId });
    },
  );
}

/**
 * Refuses whoever is no admin. Without identity nobody is one: a limit that anybody may change is
 * none.
 */
function requireAdmin(c: AppContext): void {
  if (hasScope(c.get('principal'), 'admin')) return;
  throw new ParleyError({
    code: 'forbidden',
    detail: c.get('dependencies').identity
      ? 'Only a credential with the scope admin may set limits'
      : 'Limits of single users need identity: the operator sets AUTH, or LIMIT_… for everybody',
  });
}

function storedLimits({ cost_per_month: cost, ...others }: z.output<typeof userLimits>): OwnLimits {
  if (cost === undefined) return others;
  return { ...others, cost_per_month: cost === null ? null : Math.round(cost * NANODOLLARS) };
}

/** Shows what a user may by a key, or by no key. */
async function shown(c: AppContext, reader: StreamReader) {
  const { db, config, limits: defaults = NO_LIMITS } = c.get('dependencies');
  const streams = openStreamsOf({ tenant: tenantOf(c.get('principal')), ...reader });
  const leaseMs = config.TURN_LEASE_MS;
  const ask = { ...reader, defaults, streams, stored: true as const, leaseMs };
  const budget = await readBudget(db, ask);
  const said = { user_id: reader.userId, limits: limitsView(budget) };
  return c.json(said, 200, limitHeaders(budget));
}
