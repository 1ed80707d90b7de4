import { z } from '@hono/zod-openapi';

/** The fields by which a file is shown wherever it is: in messages, results and lists. */
export const fileFields = {
  file_id: z.string(),
  name: z.string(),
  mime_type: z.string(),
  size: z.int(),
  sha256: z.string(),
};
