/** Documents as clients send them: JSON, forms with files, and a PDF made of lines. */
import type { Answer } from '../support/http.ts';
import { suiteTarget, unique } from './target.ts';

const target = suiteTarget();

export interface DocumentBody {
  document_id: string;
  title: string;
  mime_type: string;
  status: string;
  chunk_count: number;
  metadata: unknown;
  conversation_id: string | null;
  size: number;
  charset: string | null;
  code?: string;
  detail?: string;
}

export interface Result {
  chunk_id: string;
  document_id: string;
  title: string;
  text: string;
  score: number;
  headings: string[];
  ordinal: number;
  start: number;
  end: number;
  keyword_rank: number | null;
  vector_rank: number | null;
}

export function post(json: object, headers = {}): Promise<Answer<DocumentBody>> {
  return target.call('/documents', { json, headers });
}

export async function search(json: object): Promise<Result[]> {
  const {
    status,
    text,
    json: body,
  } = await target.call<{ results: Result[] }>('/retrieve', { json });
  if (status !== 200) throw new Error(`${status} ${text}`);
  return body.results;
}

/** Sends a form with a file. */
export function upload(
  fields: Record<string, string>,
  file: { content: string | Uint8Array; name?: string; type?: string },
  headers: Record<string, string> = {},
): Promise<Answer<DocumentBody>> {
  const boundary = 'a-boundary-of-the-tests';
  const parts = Object.entries(fields).map(
    ([name, value]) =>
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  const { name = 'file', type = 'application/octet-stream', content } = file;
  const head = `${parts.join('')}--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\nContent-Type: ${type}\r\n\r\n`;
  const rawBody = Buffer.concat([
    Buffer.from(head),
    Buffer.from(content),
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
  return target.call('/documents', {
    rawBody,
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}`, ...headers },
  });
}

/** Uploads a file that is read, and returns its text, with a search in it by words. */
export async function readDocument(content: Uint8Array | string, name: string, type = '') {
  const user_id = unique('user');
  const { status, text: answer, json } = await upload({ user_id }, { content, name, type });
  if (status !== 200 || json.status !== 'ready') throw new Error(`${status} ${answer}`);
  const { text } = await target.call(`/documents/${json.document_id}/text`);
  return { text, json, find: (query: string) => search({ user_id, query, mode: 'keyword' }) };
}
