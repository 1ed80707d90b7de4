import { z } from '@hono/zod-openapi';
import { expect, it } from 'vitest';
import { invalidInput } from '../../../../src/routes/shared/invalid-input.ts';

const schema = z.object({
  scopes: z.array(z.enum(['admin'])).max(1),
  most: z.int().max(1_000_000),
});

function saidOf(value: unknown): string {
  const { error } = schema.safeParse(value);
  if (!error) throw new Error('the value is sound');
  return invalidInput(error).detail;
}

it.each([
  [{ scopes: 'admin', most: 1 }, 'scopes: Invalid input: expected array, received string'],
  [{ scopes: [], most: 1e308 }, 'most: Too big: expected number to be <=1000000'],
  [{ scopes: 7, most: 1.5 }, /^scopes: Invalid input: .*; most: Invalid input: [^;]*$/u],
])('says one thing of each field of %j', (value, said) => {
  expect(saidOf(value)).toMatch(said);
});
