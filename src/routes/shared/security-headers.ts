import type { AppContext } from './dependencies.ts';

/** Returns true when the client speaks TLS, with us or with the proxy before us. */
export function isSecure(c: AppContext): boolean {
  return c.req.url.startsWith('https:') || c.req.header('x-forwarded-proto') === 'https';
}
