/** The routes of API keys: give one out, list them, revoke one. */
import { z } from '@hono/zod-openapi';
import { issueKeyTo } from '../../actions/credentials.ts';
import { SCOPES, hasScope, requireUserId, type IdentifiedUser } from '../../core/principal.ts';
import { listKeys, revokeCredential, type StoredKey } from '../../store/credentials/credentials.ts';
import { time } from '../../wire/views.ts';
import type { AppContext } from '../shared/dependencies.ts';
import { required } from '../shared/required.ts';
import { body, commonProblems, json, linkNext } from '../shared/responses.ts';
import { made, MAKES_NOTHING, paged } from '../shared/response-docs.ts';
import { createRouter, route, type Router } from '../shared/router.ts';
import { detailSchema } from '../shared/answer-schemas.ts';
import { bodyOf } from '../shared/known-fields.ts';
import * as schemas from '../shared/schemas.ts';
import { requireCaller } from './caller.ts';

const tags = ['credentials'];
const path = '/keys';

const keySchema = z
  .looseObject({
    key_id: z.string(),
    user_id: z.string(),
    name: z.string().nullable(),
    scopes: z.array(z.enum(SCOPES)),
    created_at: z.iso.datetime(),
    expires_at: z.iso.datetime().nullable(),
  })
  .openapi('Key');
const newKeySchema = keySchema.extend({ key: z.string() }).openapi('NewKey');

const creation = bodyOf({
  user_id: schemas.userId.optional(),
  name: schemas.title.nullish(),
  scopes: z.array(z.enum(SCOPES)).max(SCOPES.length).optional(),
  expires_at: z.iso.datetime({ offset: true }).nullish(),
});

const keyPage = schemas.queryOf({
  user_id: schemas.userId.optional(),
  limit: schemas.limit,
  cursor: z.string().max(100).optional(),
});

export function keysRouter() {
  const router = createRouter();
  addCreation(router);
  addList(router);
  addRevocation(router);
  return router;
}

function addCreation(router: Router): void {
  route(
    router,
    {
      method: 'post',
      path,
      tags,
      [MAKES_NOTHING]: true,
      operationId: 'createKey',
      summary: 'Give out an API key, which is shown this once',
      request: { query: schemas.ownerQuery, body: { ...body(creation), required: false } },
      responses: { 200: made(json(newKeySchema, 'The key')), ...commonProblems },
    },
    async (c) => {
      const { name, scopes, expires_at } = c.req.valid('json');
      const caller = requireKeyHolder(c);
      const issued = await issueKeyTo(c.get('dependencies').db, caller, {
        userId: requireUserId(c.get('principal')),
        name,
        scopes,
        expiresAt: typeof expires_at === 'string' ? Date.parse(expires_at) : null,
      });
      c.header('Location', `${path}/${issued.id}`);
      return c.json(
        { ...keyView({ ...issued, scopes: [...issued.scopes] }), key: issued.text },
        200,
      );
    },
  );
}

function addList(router: Router): void {
  route(
    router,
    {
      method: 'get',
      path,
      tags,
      operationId: 'listKeys',
      summary: 'The keys that hold, newest first: one’s own, or for an admin those of everybody',
      request: { query: keyPage },
      responses: { 200: paged(json(z.array(keySchema), 'The keys')), ...commonProblems },
    },
    async (c) => {
      const { limit, cursor } = c.req.valid('query');
      const found = await listKeys(c.get('dependencies').db, { userId: userOf(c), limit, cursor });
      linkNext(c, found.next);
      return c.json(found.items.map(keyView), 200);
    },
  );
}

function addRevocation(router: Router): void {
  route(
    router,
    {
      method: 'delete',
      path: `${path}/{id}`,
      tags,
      operationId: 'revokeKey',
      summary: 'Revoke a key: it starts nothing from the next request on',
      request: { params: schemas.idParam, query: schemas.ownerQuery },
      responses: { 200: json(detailSchema, 'Revoked'), ...commonProblems },
    },
    async (c) => {
      const { id } = c.req.valid('param');
      const { db } = c.get('dependencies');
      const wasThere = await revokeCredential(db, { id, kind: 'key', userId: userOf(c) });
      required(wasThere || undefined, 'Key');
      return c.json({ detail: `Key ${id} revoked` }, 200);
    },
  );
}

/** Returns the user whose keys are meant; undefined for those of everybody, as admins may. */
function userOf(c: AppContext): string | undefined {
  const caller = requireKeyHolder(c);
  const isAnybodys = hasScope(caller, 'admin') && c.get('namedUser') === undefined;
  return isAnybodys ? undefined : requireUserId(c.get('principal'));
}

function requireKeyHolder(c: AppContext): IdentifiedUser {
  return requireCaller(c, (identity) => identity.takesKeys);
}

function keyView({ id, userId, name, scopes, createdAt, expiresAt }: StoredKey) {
  return {
    key_id: id,
    user_id: userId,
    name,
    scopes,
    created_at: time(createdAt),
    expires_at: expiresAt === null ? null : time(expiresAt),
  };
}
