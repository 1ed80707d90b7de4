/** Headers by which browsers handle answers safely. */
import type { AppContext } from './dependencies.ts';

/** Headers of every answer: it is what its type says, and no other site may embed it. */
export const ALWAYS = {
  'X-Content-Type-Options': 'nosniff',
  'Cross-Origin-Resource-Policy': 'same-origin',
};
/** Seconds for which browsers then speak TLS alone with this host: a year. */
const WITH_TLS = { ...ALWAYS, 'Strict-Transport-Security': 'max-age=31536000' };

/** Returns the headers that protect an answer. */
export function securityHeaders(c: AppContext): Readonly<Record<string, string>> {
  return isSecure(c) ? WITH_TLS : ALWAYS;
}

/** Returns true when the client speaks TLS, with us or with the proxy before us. */
export function isSecure(c: AppContext): boolean {
  return c.req.url.startsWith('https:') || c.req.header('x-forwarded-proto') === 'https';
}
