/** The route by which a client reads on where a passage or a citation ends. */
import { z } from '@hono/zod-openapi';
import { requireUserId } from '../../core/principal.ts';
import { batch } from '../../store/query.ts';
import type { FoundChunk } from '../../store/search/found-chunk.ts';
import { selectSurroundings } from '../../store/search/surroundings.ts';
import type { AppContext } from '../shared/dependencies.ts';
import { required } from '../shared/required.ts';
import { commonProblems, json } from '../shared/responses.ts';
import { createRouter, route } from '../shared/router.ts';
import * as schemas from '../shared/schemas.ts';
import { chunkFields } from './schemas.ts';

/** The most chunks before, and after, the one that is read. */
const MOST_AROUND = 10;

const chunk = z.looseObject(chunkFields).openapi('Chunk');
const chunkWithOthers = z
  .looseObject({ ...chunkFields, before: z.array(chunk), after: z.array(chunk) })
  .openapi('ChunkWithOthers');

export function chunksRouter() {
  const router = createRouter();
  route(
    router,
    {
      method: 'get',
      path: '/chunks/{id}',
      tags: ['documents'],
      operationId: 'getChunk',
      summary: 'A passage of a document, with those around it',
      request: {
        params: schemas.idParam,
        query: schemas.ownerQuery.extend({
          around: z.coerce.number().int().min(0).max(MOST_AROUND).default(0),
        }),
      },
      responses: { 200: json(chunkWithOthers, 'The passage'), ...commonProblems },
    },
    async (c) => {
      const { id } = c.req.valid('param');
      const { before, at, after } = await readChunk(c, id, c.req.valid('query').around);
      const others = { before: before.map(view), after: after.map(view) };
      return c.json({ ...view(at), ...others }, 200);
    },
  );
  return router;
}

/**
 * @throws ParleyError `not_found`, and `invalid_request` without a user: these ids can be guessed
 */
async function readChunk(c: AppContext, given: string, around: number) {
  const userId = requireUserId(c.get('principal'));
  const id = /^\d{1,15}$/.test(given) ? Number(given) : -1;
  const { db } = c.get('dependencies');
  const [found] = await batch(db, [selectSurroundings({ userId, id, around })], 'read');
  const place = found.findIndex((row) => row.id === id);
  const at = required(found[place], 'Chunk');
  return { before: found.slice(0, place), at, after: found.slice(place + 1) };
}

function view({ id, documentId, title, url, ...chunk }: FoundChunk) {
  const { text, headings, ordinal, start, end } = chunk;
  const about = { chunk_id: String(id), document_id: documentId, title };
  return { ...about, ...(url === null ? {} : { url }), text, headings, ordinal, start, end };
}
