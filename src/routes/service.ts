/** The routes of the service itself: its version, its health and its documentation. */
import { z } from '@hono/zod-openapi';
import { notFound } from '../core/errors.ts';
import { FILE_KINDS } from '../core/file.ts';
import { ping } from '../store/conversations.ts';
import { commonProblems, json } from './shared/responses.ts';
import { CREDENTIALS } from './shared/response-docs.ts';
import { createRouter, route } from './shared/router.ts';
import type { AppContext } from './shared/dependencies.ts';
import { DEFAULT_LANGUAGE, languageFor } from './shared/languages.ts';
import { about } from './shared/version.ts';

const tags = ['service'];

const health = z
  .looseObject({
    status: z.enum(['ok', 'unavailable']),
    database: z.enum(['ok', 'unavailable']),
    version: z.string(),
  })
  .openapi('Health');
const readiness = z.looseObject({ status: z.enum(['ready', 'stopping']) }).openapi('Readiness');
const models = z.looseObject({
  default: z.string(),
  models: z.array(
    z.looseObject({
      id: z.string(),
      model: z.string().optional(),
      provider: z.string(),
      attachments: z.array(z.enum(FILE_KINDS)).openapi({
        description: 'The kinds of files that it takes as they are',
      }),
    }),
  ),
});

export function serviceRouter() {
  const router = createRouter();
  const htmlContent = { 'text/html': { schema: z.string() } };
  const html = { description: 'A page', content: htmlContent };
  const index = json(
    z.looseObject({ name: z.string(), version: z.string(), docs: z.string() }),
    'Name and version; a page for browsers',
  );

  route(
    router,
    {
      method: 'get',
      path: '/',
      tags,
      operationId: 'getService',
      summary: 'What this is',
      responses: {
        200: { ...index, content: { ...index.content, ...htmlContent } },
        ...commonProblems,
      },
    },
    async (c) => {
      // The header is set on the response itself, since headers of the context do not reach a page.
      c.res.headers.append('Vary', 'Accept, Accept-Encoding, Accept-Language, Cookie');
      if ((c.req.header('accept') ?? '').includes('text/html')) return page(c, chatPath(c));
      const needsCredential = c.get('dependencies').identity !== undefined;
      return c.json({ ...about, docs: '/docs', needs_credential: needsCredential }, 200);
    },
    { isOpen: true },
  );

  route(
    router,
    {
      method: 'get',
      path: '/health',
      tags,
      operationId: 'getHealth',
      summary: 'Whether the server and its database are well',
      responses: {
        200: json(health, 'Well'),
        ...commonProblems,
        503: json(health, 'The database cannot be reached'),
      },
    },
    async (c) => {
      try {
        const { db, tenants } = c.get('dependencies');
        await (tenants ? tenants.ping() : ping(db));
        return c.json(
          { status: 'ok' as const, database: 'ok' as const, version: about.version },
          200,
        );
      } catch (error) {
        c.get('dependencies').log.error('the database does not answer', { error });
        return c.json(
          {
            status: 'unavailable' as const,
            database: 'unavailable' as const,
            version: about.version,
          },
          503,
        );
      }
    },
    { isOpen: true },
  );

  route(
    router,
    {
      method: 'get',
      path: '/ready',
      tags,
      operationId: 'getReadiness',
      summary: 'Whether the server should be given more to do',
      responses: {
        200: json(readiness, 'It should'),
        ...commonProblems,
        503: json(readiness, 'It is stopping: requests belong elsewhere'),
      },
    },
    (c) => {
      return c.get('dependencies').isReady()
        ? c.json({ status: 'ready' as const }, 200)
        : c.json({ status: 'stopping' as const }, 503);
    },
    { isOpen: true },
  );

  route(
    router,
    {
      method: 'get',
      path: '/models',
      tags,
      operationId: 'listModels',
      summary: 'The models that are on',
      responses: {
        200: json(
          models,
          'Aliases and known models; any other model of a provider that is on works too',
        ),
        ...commonProblems,
      },
    },
    async (c) => {
      const { registry } = c.get('dependencies');
      return c.json({ default: registry.defaultName, models: await registry.list() }, 200);
    },
  );

  route(
    router,
    {
      method: 'get',
      path: '/docs',
      tags,
      operationId: 'showDocs',
      summary: 'The API, to try out',
      responses: { 200: html, ...commonProblems },
    },
    (c) => page(c, '/docs'),
    { isOpen: true },
  );
  route(
    router,
    {
      method: 'get',
      path: '/redoc',
      tags,
      operationId: 'showReference',
      summary: 'The API, to read',
      responses: { 200: html, ...commonProblems },
    },
    (c) => page(c, '/redoc'),
    { isOpen: true },
  );
  // The app serves it, since only the app knows all routers.
  router.openAPIRegistry.registerPath({
    method: 'get',
    path: '/openapi.json',
    tags,
    operationId: 'getDescription',
    [CREDENTIALS]: 'none',
    summary: 'This description',
    responses: {
      200: json(z.looseObject({ openapi: z.string() }), 'OpenAPI 3.1'),
      ...commonProblems,
    },
  });
  router.get('/assets/*', (c) => page(c, c.req.path));

  return router;
}

/** Returns the path of the chat in the language that the reader likes best. */
function chatPath(c: AppContext): string {
  const language = languageFor(c.req.header('cookie'), c.req.header('accept-language'));
  return language === DEFAULT_LANGUAGE ? '/' : `/${language}`;
}

async function page(c: AppContext, path: string): Promise<Response> {
  const accepted = c.req.header('accept-encoding');
  const found = await c.get('dependencies').pages.get(path, accepted);
  if (!found) throw notFound('Page');
  return found;
}
