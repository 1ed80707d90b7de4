/** Receives a file in a form, as it arrives. */
import { roomForFiles, type ActionContext } from '../../actions/context.ts';
import { invalid } from '../../core/errors.ts';
import type { StoredFile } from '../../core/file.ts';
import { receiveBytes, storeFile, type Arrived } from '../../documents/store-file.ts';
import { dropContent } from '../../store/files/contents.ts';
import { invalidInput } from '../shared/invalid-input.ts';
import { actionContext, type AppContext } from '../shared/dependencies.ts';
import { idempotencyKey } from '../shared/idempotency-key.ts';
import { nameUser } from '../shared/identify.ts';
import { isForm } from '../shared/request-body.ts';
import { requireKnownNames } from '../shared/known-fields.ts';
import * as schemas from '../shared/schemas.ts';
import { boundaryOf, partsOf, type FormPart } from './multipart.ts';

/** The most bytes of a field that is no file. */
const LONGEST_FIELD = 1_000;

interface Form {
  file?: Arrived & { name: string | undefined; type: string | undefined };
  user_id?: string;
}

/** Receives the file of a form. @throws ParleyError as `receiveBytes` and `storeFile` do */
export async function receiveFile(c: AppContext): Promise<StoredFile> {
  const { dependencies } = actionContext(c);
  const type = c.req.header('content-type');
  const { body } = c.req.raw;
  if (!isForm(type) || !body) throw invalid('file', 'file is required, as multipart/form-data');
  const form: Form = {};
  try {
    for await (const part of partsOf(body, boundaryOf(type)))
      await readPart(part, form, dependencies);
    return await store(c, form, dependencies);
  } catch (error) {
    if (form.file) await dropContent(dependencies.db, form.file.contentId);
    throw error;
  }
}

async function store(
  c: AppContext,
  { file, user_id }: Form,
  dependencies: ActionContext['dependencies'],
): Promise<StoredFile> {
  if (!file) throw invalid('file', 'file is required');
  const userId = nameUser(c, userIn(user_id));
  // The boundary of a form is random, so the body itself differs each time.
  const said = JSON.stringify([file.name, file.sha256]);
  const idempotency = await idempotencyKey(c, { scope: userId, said });
  const room = roomForFiles(dependencies, userId);
  const fields = { userId, name: file.name, declaredType: file.type, idempotency, room };
  return storeFile(dependencies, file, fields);
}

async function readPart(
  { name, fileName, type, bytes }: FormPart,
  form: Form,
  dependencies: Parameters<typeof receiveBytes>[0],
): Promise<void> {
  requireKnownNames([name], ['file', 'user_id']);
  if (name in form) throw invalid(name, `${name} comes twice`);
  if (name === 'file')
    form.file = { ...(await receiveBytes(dependencies, bytes)), name: fileName, type };
  else form.user_id = await readField(bytes);
}

async function readField(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const piece of bytes) {
    text += decoder.decode(piece, { stream: true });
    if (text.length > LONGEST_FIELD) throw invalid('user_id', 'is too long');
  }
  return text + decoder.decode();
}

/** A field left blank is no field. */
function userIn(given: string | undefined): string | undefined {
  if (given === undefined || given === '') return undefined;
  const parsed = schemas.ownerQuery.safeParse({ user_id: given });
  if (parsed.success) return parsed.data.user_id;
  throw invalidInput(parsed.error);
}
