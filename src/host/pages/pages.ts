// Serves the pages for people: the chat, with its scripts, and the API's documentation. They are
// files, never part of the Worker's bundle, and load nothing from another host.
import { isHashed, typeOf } from './files.ts';

/** The pages, as routes use them. */
export interface Pages {
  /**
   * Returns the page or asset at a path (such as `/docs` or `/assets/docs.js`), ready to be sent.
   * Undefined when there is none at that path, or when its file is missing.
   * @param accepted the request's `Accept-Encoding`
   */
  get(path: string, accepted?: string): Promise<Response | undefined>;
}

/** Returns the content of the file published under a path; undefined when it is missing. */
export type ReadPage = (path: string) => Promise<BodyInit | undefined>;

/** The policy of our own pages: their own files, and no text that becomes markup or a script. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

// Both viewers set inline styles, so these are allowed; inline scripts are not. Redoc searches in a
// worker that it makes from a blob, and both draw icons from `data:` addresses.
const VIEWERS_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  'worker-src blob:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const VIEWERS: ReadonlySet<string> = new Set(['/docs', '/redoc']);

/** Returns the pages whose files `read` finds. */
export function createPages(read: ReadPage): Pages {
  return {
    async get(path) {
      const type = typeOf(path);
      if (!type) return undefined;
      const body = await read(path);
      if (body === undefined) return undefined;
      return new Response(body, { headers: headersFor(path, type) });
    },
  };
}

function headersFor(path: string, type: string): HeadersInit {
  return {
    'content-type': type,
    'content-security-policy': VIEWERS.has(path) ? VIEWERS_POLICY : CONTENT_SECURITY_POLICY,
    'cross-origin-opener-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cache-control': cachingOf(path),
  };
}

/** An asset is cached for ever where its address changes with its content, else for an hour. */
function cachingOf(path: string): string {
  if (isHashed(path)) return 'public, max-age=31536000, immutable';
  return path.startsWith('/assets/') ? 'public, max-age=3600' : 'no-cache';
}
