/** The route of usage: what a user's calls of models have used, from the ledger. */
import { z } from '@hono/zod-openapi';
import { invalid } from '../core/errors.ts';
import { requireUserId } from '../core/principal.ts';
import { USAGE_GROUPS } from '../core/ledger.ts';
import { readUsage } from '../store/usage/read-usage.ts';
import { usageCsv, usageReport } from '../wire/usage-view.ts';
import { commonProblems, json } from './shared/responses.ts';
import { createRouter, route } from './shared/router.ts';
import { queryOf, userId } from './shared/schemas.ts';

const DAY_MS = 24 * 60 * 60_000;
/** The days that are shown when a request names none. */
const DEFAULT_DAYS = 30;

/** A day or a time, as milliseconds since the epoch; a day is its first millisecond in UTC. */
const moment = z
  .union([z.iso.date(), z.iso.datetime({ offset: true })], {
    error: 'must be a day (2026-11-27) or a time (2026-11-27T12:00:00Z)',
  })
  .openapi({ type: 'string', example: '2026-11-01' });

const usageQuery = queryOf({
  user_id: userId.optional(),
  from: moment.optional(),
  to: moment.optional(),
  group_by: z.enum(USAGE_GROUPS).default('day'),
});

const counts = {
  turns: z.int(),
  calls: z.int(),
  input_tokens: z.int(),
  output_tokens: z.int(),
  cached_tokens: z.int(),
  reasoning_tokens: z.int(),
  cost_usd: z.number(),
  estimated: z.boolean(),
  unpriced_calls: z.int(),
};

const usageReportSchema = z
  .looseObject({
    items: z.array(
      z.looseObject({
        day: z.string().optional(),
        model: z.string().optional(),
        conversation_id: z.string().nullable().optional(),
        key_id: z.string().nullable().optional(),
        ...counts,
      }),
    ),
    total: z.looseObject(counts),
  })
  .openapi('UsageReport');

export function usageRouter() {
  const router = createRouter();
  const report = json(usageReportSchema, 'The sums of each group, and of all');
  route(
    router,
    {
      method: 'get',
      path: '/usage',
      tags: ['usage'],
      operationId: 'getUsage',
      summary: 'What a user’s calls of models have used',
      request: { query: usageQuery },
      responses: {
        200: {
          ...report,
          content: { ...report.content, 'text/csv': { schema: z.string() } },
        },
        ...commonProblems,
      },
    },
    async (c) => {
      const { db, prices } = c.get('dependencies');
      const { from, to, group_by: groupBy } = c.req.valid('query');
      const range = rangeOf(from, to);
      const sums = await readUsage(
        db,
        { userId: requireUserId(c.get('principal')), ...range, groupBy },
        prices,
      );
      c.res.headers.append('Vary', 'Accept');
      if (!/\btext\/csv\b/iu.test(c.req.header('accept') ?? ''))
        return c.json(usageReport(sums, groupBy), 200);
      return c.body(usageCsv(sums, groupBy), 200, {
        'Content-Type': 'text/csv; charset=utf-8',
        'Content-Disposition': 'attachment; filename="usage.csv"',
        'Cache-Control': 'no-store',
      });
    },
  );
  return router;
}

/** Returns the range: up to now, and the last days, where the request names no end or beginning. */
function rangeOf(from: string | undefined, to: string | undefined): { from: number; to: number } {
  const end = to === undefined ? Date.now() + DAY_MS : Date.parse(to);
  const begin = from === undefined ? end - (DEFAULT_DAYS + 1) * DAY_MS : Date.parse(from);
  if (begin >= end) throw invalid('from', 'from must be before to');
  return { from: begin, to: end };
}
