import { z } from '@hono/zod-openapi';

/** Returns a schema for text that is not empty. NUL is refused; lone surrogates become U+FFFD. */
export function plainText(longest: number) {
  return z
    .string()
    .min(1)
    .max(longest)
    .refine((value) => !value.includes('\0'), 'must not contain a NUL character')
    .overwrite((value) => value.toWellFormed());
}
