/** The blocks that messages of Anthropic's are made of. */
import { z } from '@hono/zod-openapi';
import { invalid } from '../../core/errors.ts';
import { clean } from '../../core/safe-text.ts';
import { fileFields } from './block-files.ts';

const textBlock = z.looseObject({ type: z.string(), text: z.string().optional() });
/** A text, whole or in blocks. */
export const textual = z.union([z.string(), z.array(textBlock)]);
const resultBlock = z.looseObject({ ...textBlock.shape, ...fileFields });

/** A block of a message. */
export const block = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  id: z.string().max(200).optional(),
  name: z.string().max(200).optional(),
  input: z.json().optional().openapi({ type: 'object' }),
  tool_use_id: z.string().max(200).optional(),
  content: z.union([z.string(), z.array(resultBlock)]).nullish(),
  is_error: z.boolean().nullish(),
  ...fileFields,
});

export type Block = z.output<typeof block>;

/** Returns a text. @throws ParleyError `invalid_request` for a block that is no text */
export function textOf(given: z.output<typeof textual>, path: string): string {
  const blocks = typeof given === 'string' ? [{ type: 'text', text: given }] : given;
  const other = blocks.find(({ type }) => type !== 'text');
  if (other) throw invalid(path, `${path}: a block of type ${other.type} is not supported here`);
  return clean(blocks.map(({ text = '' }) => text).join('\n'));
}
