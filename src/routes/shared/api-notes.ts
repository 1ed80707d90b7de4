/**
 * The sentences and examples in the description of the API. They are in a page's file,
 * `host/pages/static/api-notes.json`, since a Worker would have to carry code with it.
 */
import { z } from '@hono/zod-openapi';

/** Examples by media type. */
const examples = z.record(z.string(), z.unknown());

/** Several examples, by media type and name. */
const namedExamples = z.record(
  z.string(),
  z.record(z.string(), z.object({ summary: z.string(), value: z.unknown() })),
);

const notes = z.object({
  description: z.string(),
  /** The groups of operations, in the order in which a reader needs them. */
  tags: z.array(z.object({ name: z.string(), description: z.string() })),
  /** Examples of schemas, by their names. */
  schemas: z.record(z.string(), z.unknown()),
  /** By operation id. `response` is of the successful answer. */
  operations: z.record(
    z.string(),
    z.object({
      description: z.string().optional(),
      request: examples.optional(),
      response: examples.optional(),
      /** In place of the one example, where there are several kinds. */
      requests: namedExamples.optional(),
      responses: namedExamples.optional(),
    }),
  ),
});
export type ApiNotes = z.output<typeof notes>;

/** The path under which the notes are published. */
const PATH = '/assets/api-notes.json';

/** Reads the notes. @throws Error where they are missing or malformed */
export async function readApiNotes(pages: {
  get(path: string): Promise<Response | undefined>;
}): Promise<ApiNotes> {
  const file = await pages.get(PATH);
  if (!file) throw new Error(`${PATH} is missing`);
  return notes.parse(await file.json());
}
