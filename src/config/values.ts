/** The forms that the values of variables have. */
import { z } from 'zod';

/**
 * Accepts digits only. JavaScript would also read blanks, hexadecimal and exponents as numbers, but
 * in a variable these are typing errors.
 */
export const wholeNumber = (least: number, most: number) =>
  z.coerce
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(least).max(most));

/** A time of at most a day, in milliseconds. */
export const milliseconds = (fallback: number, least = 1) =>
  wholeNumber(least, 86_400_000).default(fallback);

export const count = (fallback: number) => wholeNumber(1, 100_000).default(fallback);
export const url = z.url({ protocol: /^https?$/ }).transform((text) => text.replace(/\/+$/, ''));
export const secret = z.string().min(1);

/** Values with commas between, each of this form; blanks around them are dropped. */
export const listOf = <Schema extends z.ZodType<unknown, string>>(schema: Schema) =>
  z
    .string()
    .transform((list) =>
      list
        .split(',')
        .map((value) => value.trim())
        .filter(Boolean),
    )
    .pipe(z.array(schema));

/** A variable that holds JSON of this form. */
export const jsonOf = <Schema extends z.ZodType>(schema: Schema) =>
  z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue({ code: 'custom', message: 'must be JSON' });
        return z.NEVER;
      }
    })
    .pipe(schema);

/** `name=value,other=value`, the values percent-encoded, as OpenTelemetry has them. */
export const pairs = z
  .string()
  .default('')
  .transform((list, context) => {
    try {
      const named = list.split(',').filter((pair) => pair.trim() !== '');
      return Object.fromEntries(named.map(pairOf));
    } catch {
      context.addIssue('must be name=value pairs with a comma between, percent-encoded');
      return z.NEVER;
    }
  });

/** @throws Error when the text is no pair */
function pairOf(text: string): [string, string] {
  const [, name, value] = /^\s*([^\s=]+)\s*=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new Error('no pair');
  return [name, decodeURIComponent(value.trim())];
}
