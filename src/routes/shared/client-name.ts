/** The names that clients make up, of chats, runs and messages. */
import { z } from '@hono/zod-openapi';

export const LONGEST_NAME = 200;

export const clientName = z
  .string()
  .min(1)
  .max(LONGEST_NAME)
  .refine((value) => !value.includes('\0'));
