/** The fields by which a request names the documents that are searched. */
import { z } from '@hono/zod-openapi';
import type { MetadataFilter, MetadataValue } from '../../core/document.ts';
import { plainText } from './plain-text.ts';

const LONGEST_ID = 200;
const LONGEST_FIELD = 1_000;
const LONGEST_VALUE = 16_000;
/** The most fields that a search may filter by, and the most values of each. */
const MOST_FILTERS = 20;
const MOST_DOCUMENTS = 1_000;

const value = z.union([plainText(LONGEST_VALUE), z.literal(''), z.number(), z.boolean(), z.null()]);

export const documentIds = z
  .array(plainText(LONGEST_ID))
  .max(MOST_DOCUMENTS)
  .openapi({ description: 'Only these documents' });

export const metadataFilter = z
  .record(plainText(LONGEST_FIELD), z.union([value, z.array(value).max(MOST_FILTERS)]))
  .refine((filter) => Object.keys(filter).length <= MOST_FILTERS, 'asks for too many fields')
  .transform(listsOf)
  .openapi({
    type: 'object',
    description: 'Only documents whose metadata have these values, or one of a list of values',
  });

function listsOf(filter: Record<string, MetadataValue | MetadataValue[]>): MetadataFilter {
  return Object.fromEntries(
    Object.entries(filter).map(([key, wanted]) => [key, Array.isArray(wanted) ? wanted : [wanted]]),
  );
}
