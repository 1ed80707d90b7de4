/** Describes the errors of OpenAI's API. */
import { z } from '@hono/zod-openapi';

export const openAiErrorSchema = z
  .object({
    error: z.object({
      message: z.string(),
      type: z.string(),
      param: z.string().nullable(),
      code: z.string(),
    }),
  })
  .openapi('OpenAiError');

/** Describes problems in the form that OpenAI's clients read. */
export function asOpenAiErrors(problems: Readonly<Record<number, { description: string }>>) {
  return Object.fromEntries(
    Object.entries(problems).map(([status, { description }]) => [
      status,
      { description, content: { 'application/json': { schema: openAiErrorSchema } } },
    ]),
  );
}
