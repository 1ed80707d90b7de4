/** Answers with the bytes of a file, so that no browser takes them for a page of ours. */
import type { StoredFile } from '../../core/file.ts';
import { readBytes, type ByteRange } from '../../store/files/contents.ts';
import type { AppContext } from '../shared/dependencies.ts';

/** Images that browsers only paint; an SVG is a document with scripts. */
const SHOWN_INLINE = /^image\/(?:png|jpeg|gif|webp)$/;

/** Nothing that is in a file may run or load anything, wherever it is opened. */
const POLICY = "default-src 'none'; sandbox";

/** Answers with a file, a range of it, or with 304 when the client has it. */
export function sendFile(c: AppContext, file: StoredFile): Response {
  const etag = `"${file.sha256}"`;
  const headers = headersOf(file, etag);
  if (matches(c.req.header('if-none-match'), etag))
    return new Response(null, { status: 304, headers });
  const wanted = rangeOf(c, file, etag);
  if (wanted === 'unsatisfiable')
    return new Response(null, {
      status: 416,
      headers: { ...headers, 'Content-Range': `bytes */${file.size}` },
    });
  const { start, length } = wanted ?? { start: 0, length: file.size };
  const body = c.req.method === 'HEAD' ? null : bodyOf(c, file, { start, length });
  const range = `bytes ${start}-${start + length - 1}/${file.size}`;
  return new Response(body, {
    status: wanted ? 206 : 200,
    headers: {
      ...headers,
      'Content-Length': String(length),
      ...(wanted ? { 'Content-Range': range } : {}),
    },
  });
}

function headersOf({ name, mimeType }: StoredFile, etag: string): Record<string, string> {
  const how = SHOWN_INLINE.test(mimeType) ? 'inline' : 'attachment';
  const isText = mimeType.startsWith('text/');
  return {
    // Its bytes are as they came, in a charset that nobody may guess.
    'Content-Type': isText ? 'text/plain' : mimeType,
    'Content-Disposition': `${how}; filename*=UTF-8''${encodeName(name)}`,
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': POLICY,
    'Cross-Origin-Resource-Policy': 'same-origin',
    // It may be deleted, or its reader's credential revoked.
    'Cache-Control': 'private, no-cache',
    'Accept-Ranges': 'bytes',
    ETag: etag,
  };
}

/** Encodes a name for a header (RFC 8187). */
function encodeName(name: string): string {
  return encodeURIComponent(name).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function matches(given: string | undefined, etag: string): boolean {
  const tags = (given ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes(etag) || tags.includes('*');
}

/** Returns the one range that is asked for; several at once are answered by the whole. */
function rangeOf(
  c: AppContext,
  { size }: StoredFile,
  etag: string,
): ByteRange | 'unsatisfiable' | undefined {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(c.req.header('range') ?? '') ?? [];
  const isSame = (c.req.header('if-range') ?? etag) === etag;
  if (first === undefined || last === undefined || first + last === '' || !isSame) return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1);
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  return start < end ? { start, length: end - start } : 'unsatisfiable';
}

/** Returns the bytes as a stream that is read at the client's pace. */
function bodyOf(c: AppContext, { contentId }: StoredFile, range: ByteRange): ReadableStream {
  const { db } = c.get('dependencies');
  const bytes = readBytes(db, contentId, range);
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await bytes.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: async () => void (await bytes.return(undefined)),
  });
}
