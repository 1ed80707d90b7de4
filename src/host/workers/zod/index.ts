/** Replaces `zod` and `zod/v4` in the Worker (wrangler.toml, `alias`). */
import * as z from './external.ts';

export * from './external.ts';
export { z };
