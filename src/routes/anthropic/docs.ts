/** Describes what Anthropic's clients send and read. */
import { z } from '@hono/zod-openapi';
import * as schemas from '../shared/schemas.ts';

/** Some clients say in the address that they know newer features. */
export const betaQuery = schemas.ownerQuery.extend({ beta: z.string().optional() });

const errorSchema = z
  .object({
    type: z.literal('error'),
    error: z.object({ type: z.string(), message: z.string() }),
  })
  .openapi('AnthropicError');

/** Describes problems in the form that Anthropic's clients read. */
export function asAnthropicErrors(problems: Readonly<Record<number, { description: string }>>) {
  return Object.fromEntries(
    Object.entries(problems).map(([status, { description }]) => [
      status,
      { description, content: { 'application/json': { schema: errorSchema } } },
    ]),
  );
}
