/** Parses the table of prices that an operator has written. */
import { z } from 'zod';
import type { Price } from '../../core/prices.ts';

const dollars = z.number().min(0).max(1_000_000);

const priceSchema = z.strictObject({
  model: z.string().regex(/^[^/\s]+\/\S+$/, 'must be provider/model or provider/*'),
  from: z.iso.date(),
  input: dollars,
  cached_input: dollars.optional(),
  output: dollars,
}) satisfies z.ZodType<Price>;

/**
 * Parses the table that an operator has written.
 * @param text a JSON list of prices
 * @throws Error with one line that says what is wrong
 */
export function parsePrices(text: string): Price[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('is no JSON');
  }
  const parsed = z.array(priceSchema).safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is no list of prices'}`);
}
