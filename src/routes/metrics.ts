/**
 * The route of measures, for Prometheus, on Node: for admins, and without identity for this machine
 * alone. Where the operator has not turned it on, there is no such route.
 */
import { z } from '@hono/zod-openapi';
import { notFound, ParleyError } from '../core/errors.ts';
import { hasScope } from '../core/principal.ts';
import type { AppContext } from './shared/dependencies.ts';
import { commonProblems } from './shared/responses.ts';
import { createRouter, route } from './shared/router.ts';

/** The text format of Prometheus. */
const TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export function metricsRouter() {
  const router = createRouter();
  const content = { 'text/plain': { schema: z.string() } };
  route(
    router,
    {
      method: 'get',
      path: '/metrics',
      tags: ['service'],
      operationId: 'getMetrics',
      summary: 'The measures of this process, for Prometheus',
      responses: { 200: { description: 'The measures', content }, ...commonProblems },
    },
    async (c) => {
      const { readMetrics } = c.get('dependencies');
      if (!readMetrics) throw notFound('Route');
      requireWatcher(c);
      return c.body(await readMetrics(), 200, {
        'Content-Type': TYPE,
        'Cache-Control': 'no-store',
      });
    },
  );
  return router;
}

function requireWatcher(c: AppContext): void {
  const { identity, loopbackOnly } = c.get('dependencies');
  if (identity ? hasScope(c.get('principal'), 'admin') : loopbackOnly) return;
  const detail = identity
    ? 'Only a credential with the scope admin may read measures'
    : 'Measures need identity where others than this machine can ask: the operator sets AUTH';
  throw new ParleyError({ code: 'forbidden', detail });
}
