/** Lists of items, as OpenAI's clients page through them. */
import { z } from '@hono/zod-openapi';
import { invalid } from '../../core/errors.ts';
import * as schemas from '../shared/schemas.ts';

/** The most items of a page, as OpenAI has it. */
const MOST_ITEMS = 100;

/** The query of a list of items. */
export const listQuery = schemas.ownerQuery.extend({
  order: z.enum(['asc', 'desc']).default('desc'),
  after: z.string().max(200).optional().openapi({ description: 'The id of the last item before' }),
  limit: z.coerce.number().int().min(1).max(MOST_ITEMS).default(20),
  ...schemas.includeFields,
});

export type ListQuery = z.output<typeof listQuery>;

export const itemListSchema = z
  .object({
    object: z.literal('list'),
    data: z.array(z.looseObject({ type: z.string(), id: z.string() })),
    first_id: z.string(),
    last_id: z.string(),
    has_more: z.boolean(),
  })
  .openapi('ItemList');

/**
 * Returns a page of items; an empty one has no first and no last id, which OpenAI says by `""`.
 * @param items all of them, oldest first
 * @throws ParleyError `invalid_request` where the item to go on after is not among them
 */
export function pageOfItems<Item extends { id: string }>(
  items: readonly Item[],
  { order, after, limit }: ListQuery,
) {
  const ordered = order === 'asc' ? items : items.toReversed();
  const before = after === undefined ? -1 : ordered.findIndex(({ id }) => id === after);
  if (after !== undefined && before < 0) throw invalid('after', `after: there is no item ${after}`);
  const data = ordered.slice(before + 1, before + 1 + limit);
  return {
    object: 'list' as const,
    data,
    first_id: data[0]?.id ?? '',
    last_id: data.at(-1)?.id ?? '',
    has_more: ordered.length > before + 1 + limit,
  };
}
