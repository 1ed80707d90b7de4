/** The routes of a user's data: everything as a file, and everything deleted for good. */
import { z } from '@hono/zod-openapi';
import { eraseUser } from '../actions/erase-user.ts';
import { exportUser } from '../actions/export-user.ts';
import { sleep } from '../core/retry.ts';
import { time } from '../wire/views.ts';
import { actionContext } from './shared/dependencies.ts';
import { nameUser } from './shared/identify.ts';
import { commonProblems, json } from './shared/responses.ts';
import { createRouter, route } from './shared/router.ts';
import * as schemas from './shared/schemas.ts';

const tags = ['users'];
const params = z.object({ user_id: schemas.userId });

/** Milliseconds for which a deletion is awaited; a longer one goes on after its answer. */
const AWAITED_MS = 20_000;

const DELETION_STATES = ['deleted', 'deleting'] as const;

const deletionSchema = z
  .looseObject({
    user_id: z.string(),
    status: z.enum(DELETION_STATES),
    usage_kept_until: z.iso.datetime().optional(),
  })
  .openapi('UserDataDeletion');

export function userDataRouter() {
  const router = createRouter();
  route(
    router,
    {
      method: 'get',
      path: '/users/{user_id}/export',
      tags,
      operationId: 'exportUserData',
      summary: 'Everything of a user, as lines of JSON',
      request: { params, query: schemas.queryOf({ cursor: z.string().min(1).optional() }) },
      responses: {
        200: {
          description: 'A line for each thing, and a last one that says that it is all',
          content: { 'application/x-ndjson': { schema: z.string() } },
        },
        ...commonProblems,
      },
    },
    async (c) => {
      const userId = nameUser(c, c.req.valid('param').user_id);
      const { cursor } = c.req.valid('query');
      const lines = exportUser(c.get('dependencies').db, { userId, cursor });
      // What cannot be read at all is a problem, and not a stream that breaks off.
      const first = await lines.next();
      return new Response(streamOf(lines, first.value ?? ''), {
        headers: {
          'Content-Type': 'application/x-ndjson; charset=utf-8',
          'Content-Disposition': 'attachment; filename="parley-user-data.jsonl"',
          'Cache-Control': 'no-store',
        },
      });
    },
  );

  route(
    router,
    {
      method: 'delete',
      path: '/users/{user_id}/data',
      tags,
      operationId: 'deleteUserData',
      summary: 'Delete everything of a user, for good',
      request: { params },
      responses: { 200: json(deletionSchema, 'How the deletion stands'), ...commonProblems },
    },
    async (c) => {
      const userId = nameUser(c, c.req.valid('param').user_id);
      const { principal, dependencies } = actionContext(c);
      const { erasure, work } = await eraseUser(dependencies, { userId, principal });
      dependencies.defer(work);
      const isDone = await isDoneWithin(work, AWAITED_MS);
      const { keepsUsageUntil } = erasure;
      return c.json(
        {
          user_id: userId,
          status: isDone ? ('deleted' as const) : ('deleting' as const),
          ...(keepsUsageUntil === null ? {} : { usage_kept_until: time(keepsUsageUntil) }),
        },
        200,
      );
    },
  );
  return router;
}

async function isDoneWithin(work: Promise<void>, limitMs: number): Promise<boolean> {
  const done = new AbortController();
  const late = sleep(limitMs, done.signal).then(() => false);
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    late.catch(() => undefined);
    done.abort();
  }
}

/** Makes a stream of texts that are made as the client reads. */
function streamOf(lines: AsyncGenerator<string, void>, first: string): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let text: string | undefined = first;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = text ?? (await lines.next()).value;
      text = undefined;
      if (next === undefined) controller.close();
      else controller.enqueue(encoder.encode(next));
    },
    async cancel() {
      await lines.return();
    },
  });
}
