/** The routes of limits: what a user may, what is left, and the limits of a single user. */
import { z } from '@hono/zod-openapi';
import { ParleyError } from '../core/errors.ts';
import { NANODOLLARS } from '../core/ledger.ts';
import { LIMIT_NAMES, NO_LIMITS } from '../core/limits.ts';
import { hasScope, requireUserId } from '../core/principal.ts';
import { readBudget } from '../store/limits/budget.ts';
import { setLimits, type OwnLimits } from '../store/limits/user-limits.ts';
import { openStreamsOf } from '../turns/limit-streams.ts';
import { limitHeaders, limitsView } from '../wire/limits-view.ts';
import type { AppContext } from './shared/dependencies.ts';
import { nameUser } from './shared/identify.ts';
import { bodyOf } from './shared/known-fields.ts';
import { body, commonProblems, json } from './shared/responses.ts';
import { createRouter, route } from './shared/router.ts';
import * as schemas from './shared/schemas.ts';

const tags = ['usage'];

const limitsSchema = z
  .looseObject({
    user_id: z.string(),
    limits: z.array(
      z.looseObject({
        name: z.enum([...LIMIT_NAMES, 'streams']),
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

const ownLimits = bodyOf({
  requests_per_minute: whole,
  turns_at_once: whole,
  tokens_per_day: whole,
  tokens_per_month: whole,
  cost_per_month: z.number().min(0).max(1_000_000).nullish(),
}).openapi('OwnLimits');

const userParam = z.object({ user_id: schemas.userId });

export function limitsRouter() {
  const router = createRouter();
  const answer = json(limitsSchema, 'The limits that are set, and how each stands');

  route(
    router,
    {
      method: 'get',
      path: '/limits',
      tags,
      operationId: 'getLimits',
      summary: 'What a user may, and what is left',
      request: { query: schemas.ownerQuery },
      responses: { 200: answer, ...commonProblems },
    },
    (c) => shown(c, requireUserId(c.get('principal'))),
  );

  route(
    router,
    {
      method: 'put',
      path: '/users/{user_id}/limits',
      tags,
      operationId: 'setLimits',
      summary: 'Set the limits of a single user',
      request: { params: userParam, body: body(ownLimits) },
      responses: { 200: answer, ...commonProblems },
    },
    async (c) => {
      const userId = nameUser(c, c.req.valid('param').user_id);
      requireAdmin(c);
      await setLimits(c.get('dependencies').db, userId, storedLimits(c.req.valid('json')));
      return shown(c, userId);
    },
  );
  return router;
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

function storedLimits({ cost_per_month: cost, ...others }: z.output<typeof ownLimits>): OwnLimits {
  if (cost === undefined) return others;
  return { ...others, cost_per_month: cost === null ? null : Math.round(cost * NANODOLLARS) };
}

async function shown(c: AppContext, userId: string) {
  const { db, config, limits: defaults = NO_LIMITS } = c.get('dependencies');
  const budget = await readBudget(db, { defaults, userId, leaseMs: config.TURN_LEASE_MS });
  const headers = { ...limitHeaders(budget), 'Cache-Control': 'no-store' };
  const limits = [...limitsView(budget), ...streamsView(config.LIMIT_STREAMS, userId)];
  return c.json({ user_id: userId, limits }, 200, headers);
}

/** Streams are counted in this process alone, and by no user's own limit. */
function streamsView(limit: number | undefined, userId: string) {
  if (limit === undefined) return [];
  const used = openStreamsOf(userId);
  return [
    { name: 'streams' as const, limit, used, reserved: 0, remaining: Math.max(0, limit - used) },
  ];
}
