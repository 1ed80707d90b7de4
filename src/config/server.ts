/** The settings of the server: where it listens, who reaches it, its database, its turns. */
import { z } from 'zod';
import { hasTenants, urlOfTenant } from '../core/tenant.ts';
import { count, listOf, milliseconds, secret, wholeNumber } from './values.ts';

const origin = z.union([z.literal(['*', 'null']), z.url({ protocol: /^https?$/ })]);

const hostName = z
  .string()
  .toLowerCase()
  .regex(/^(\*|[a-z0-9.-]+|\[[0-9a-f:]+\])$/, 'must be names without ports');

export const serverSettings = {
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: wholeNumber(0, 65_535).default(8787),
  CORS_ORIGINS: listOf(origin).optional(),
  TRUSTED_HOSTS: listOf(hostName).optional(),
  DATABASE_URL: z
    .string()
    .regex(
      /^(file:|https?:\/\/|libsql:\/\/)/,
      'must begin with file:, http://, https:// or libsql://',
    )
    .refine(
      isKeptInAFile,
      'must name a file after file: (one in memory would be lost at the end), without ?parameters',
    )
    .refine(isReachable, 'can have {tenant} in the host or the path of a server, and nothing else')
    .optional(),
  DATABASE_AUTH_TOKEN: secret.optional(),
  TITLE_WORD_LIMIT: count(8),
  TURN_TIMEOUT_MS: milliseconds(300_000),
  TURN_LEASE_MS: milliseconds(15_000, 1000),
  SHUTDOWN_DELAY_MS: wholeNumber(0, 86_400_000).optional(),
  SHUTDOWN_GRACE_MS: wholeNumber(0, 86_400_000).optional(),
  KEEP_ALIVE_MS: milliseconds(15_000),
};

/**
 * Returns false when an address with a place for the tenant would be none, or would be a file.
 */
function isReachable(url: string): boolean {
  if (!url.includes('{')) return true;
  return hasTenants(url) && !url.startsWith('file:') && URL.canParse(urlOfTenant(url, 'a'));
}

/**
 * Returns false when SQLite would keep everything in memory, or read parameters as part of the
 * name.
 * @param url an address of any kind; only `file:` addresses are judged here
 */
function isKeptInAFile(url: string): boolean {
  const [, path] = /^file:(?:\/\/)?(.*)$/s.exec(url) ?? [];
  return (
    path === undefined || !(path.trim() === '' || path.startsWith(':memory:') || path.includes('?'))
  );
}
