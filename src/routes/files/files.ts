/** The routes of files, which messages may have as attachments. */
import { z } from '@hono/zod-openapi';
import { notFound } from '../../core/errors.ts';
import type { StoredFile } from '../../core/file.ts';
import { requireUserId } from '../../core/principal.ts';
import { deleteFile, listFiles, readFile } from '../../store/files/files.ts';
import { time } from '../../wire/views.ts';
import type { AppContext } from '../shared/dependencies.ts';
import { required } from '../shared/required.ts';
import { commonProblems, json, linkNext, turnProblems } from '../shared/responses.ts';
import { made, paged } from '../shared/response-docs.ts';
import { createRouter, route, type Router } from '../shared/router.ts';
import { detailSchema } from '../shared/answer-schemas.ts';
import { fileFields } from '../shared/file-fields.ts';
import * as schemas from '../shared/schemas.ts';
import { sendFile } from './send-file.ts';
import { receiveFile } from './upload.ts';

const tags = ['files'];
const path = '/files';
const request = { params: schemas.idParam, query: schemas.ownerQuery };

const fileSchema = z
  .looseObject({
    ...fileFields,
    id: z.string().describe('the same as file_id'),
    user_id: z.string(),
    created_at: z.iso.datetime(),
  })
  .openapi('File');

/** Written as the description has it: the form is read as it arrives, and not by a schema. */
const FORM = {
  required: true,
  content: {
    'multipart/form-data': {
      schema: {
        type: 'object' as const,
        required: ['file'],
        properties: {
          file: { type: 'string' as const, format: 'binary' },
          user_id: { type: 'string' as const },
        },
      },
    },
  },
};

export function filesRouter() {
  const router = createRouter();
  addUpload(router);
  addList(router);
  addDownload(router);
  addDeletion(router);
  return router;
}

function addUpload(router: Router): void {
  route(
    router,
    {
      method: 'post',
      path,
      tags,
      operationId: 'createFile',
      summary: 'Send a file that messages can have attached',
      requestBody: FORM,
      responses: { 200: made(json(fileSchema, 'The file')), ...turnProblems },
    },
    async (c) => {
      const file = await receiveFile(c);
      c.header('Location', `${path}/${file.id}`);
      return c.json(fileView(file), 200);
    },
    { takesFile: true, confirmsFirst: true },
  );
}

function addList(router: Router): void {
  route(
    router,
    {
      method: 'get',
      path,
      tags,
      operationId: 'listFiles',
      summary: 'A user’s files, newest first',
      request: { query: schemas.pageQuery },
      responses: { 200: paged(json(z.array(fileSchema), 'The files')), ...commonProblems },
    },
    async (c) => {
      const { limit, cursor } = c.req.valid('query');
      const userId = requireUserId(c.get('principal'));
      const found = await listFiles(c.get('dependencies').db, { userId, limit, cursor });
      linkNext(c, found.next);
      return c.json(found.items.map(fileView), 200);
    },
  );
}

function addDownload(router: Router): void {
  const content = { 'application/octet-stream': { schema: z.string() } };
  route(
    router,
    {
      method: 'get',
      path: `${path}/{id}`,
      tags,
      operationId: 'getFile',
      summary: 'The bytes of a file',
      request,
      responses: {
        200: { description: 'The bytes, as what they are', content },
        206: { description: 'The range that was asked for' },
        304: { description: 'The client has it' },
        416: { description: 'The file has no such range' },
        ...commonProblems,
      },
    },
    async (c) => sendFile(c, required(await readFile(...mine(c)), 'File')),
  );
}

function addDeletion(router: Router): void {
  route(
    router,
    {
      method: 'delete',
      path: `${path}/{id}`,
      tags,
      operationId: 'deleteFile',
      summary: 'Delete a file',
      request,
      responses: { 200: json(detailSchema, 'Deleted'), ...commonProblems },
    },
    async (c) => {
      if (!(await deleteFile(...mine(c)))) throw notFound('File');
      return c.json({ detail: `File ${c.req.param('id')} deleted successfully` }, 200);
    },
  );
}

function mine(c: AppContext): Parameters<typeof readFile> {
  const { db } = c.get('dependencies');
  return [db, { id: c.req.param('id') ?? '', principal: c.get('principal') }];
}

function fileView(file: StoredFile) {
  return {
    file_id: file.id,
    id: file.id,
    user_id: file.userId,
    name: file.name,
    mime_type: file.mimeType,
    size: file.size,
    sha256: file.sha256,
    created_at: time(file.createdAt),
  };
}
