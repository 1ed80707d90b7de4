/** The settings of who may call, and of how much a user may use. */
import { z } from 'zod';
import { wholeNumber } from './values.ts';

/** The ways of establishing identity. */
const AUTH_WAYS = ['keys', 'jwt'] as const;

export const identitySettings = {
  AUTH: z
    .string()
    .transform((list) => list.split(',').map((way) => way.trim()))
    .pipe(
      z.union([z.tuple([z.literal('none')]), z.array(z.enum(AUTH_WAYS)).min(1)], {
        error: 'must be none, or any of keys and jwt with a comma between',
      }),
    )
    .transform((ways) => AUTH_WAYS.filter((way) => ways.some((named) => named === way)))
    .optional(),
  JWT_SECRET: z
    .string()
    .refine((secret) => new TextEncoder().encode(secret).length >= 32, 'must have 32 bytes or more')
    .optional(),
  JWT_JWKS_URL: z.url({ protocol: /^https?$/ }).optional(),
  JWT_ISSUER: z.string().min(1).optional(),
  JWT_AUDIENCE: z.string().min(1).optional(),
  JWT_TENANT_CLAIM: z.string().min(1).default('tenant'),
  LIMIT_REQUESTS_PER_MINUTE: wholeNumber(1, 1_000_000).optional(),
  LIMIT_STREAMS: wholeNumber(1, 1_000_000).optional(),
  LIMIT_TURNS_AT_ONCE: wholeNumber(1, 1_000_000).optional(),
  LIMIT_TOKENS_PER_DAY: wholeNumber(1, 1_000_000_000_000).optional(),
  LIMIT_TOKENS_PER_MONTH: wholeNumber(1, 1_000_000_000_000).optional(),
  LIMIT_STORED_BYTES: wholeNumber(1, 1_000_000_000_000).optional(),
  LIMIT_COST_PER_MONTH: z
    .string()
    .regex(/^\d{1,6}(\.\d{1,6})?$/, 'must be US dollars, such as 20 or 2.50')
    .transform(Number)
    .optional(),
};
