/** The images and documents in blocks of Anthropic's Messages. */
import { z } from '@hono/zod-openapi';
import { invalid } from '../../core/errors.ts';
import type { QuestionFile } from '../../core/exchange.ts';
import { base64File, fileAt } from '../shared/given-file.ts';

/** The types of blocks that hold a file. */
const FILE_BLOCKS = new Set(['image', 'document']);

const source = z.looseObject({
  type: z.string(),
  media_type: z.string().max(200).optional(),
  data: z.string().optional(),
  url: z.string().optional(),
  file_id: z.string().max(200).optional(),
});

/** The fields of a block that make it a file. */
export const fileFields = {
  source: source.optional(),
  title: z.string().max(1_000).nullish(),
};

interface FileBlock {
  type: string;
  source?: z.output<typeof source> | undefined;
  title?: string | null | undefined;
}

/** Tells whether a block is an image or a document. */
export function isFileBlock({ type }: { type: string }): boolean {
  return FILE_BLOCKS.has(type);
}

/**
 * Returns the file in a block: its bytes, an address that is fetched, or the id of a file of ours.
 * @throws ParleyError `invalid_request` that names the block
 */
export function fileIn({ type, source: from, title }: FileBlock, path: string): QuestionFile {
  const said = { path, name: title ?? undefined, type: from?.media_type };
  if (from?.type === 'base64' && from.data !== undefined)
    return { key: from.data, attachment: base64File(from.data, said) };
  if (from?.type === 'url' && from.url !== undefined)
    return { key: from.url, attachment: fileAt(from.url, said) };
  if (from?.type === 'file' && from.file_id !== undefined)
    return { key: from.file_id, attachment: { file_id: from.file_id } };
  if (from?.type === 'text' && from.data !== undefined)
    return { key: from.data, attachment: { bytes: new TextEncoder().encode(from.data), ...said } };
  const how = from ? ` with a source of type ${from.type}` : '';
  throw invalid(path, `${path}: there is no file in a block of type ${type}${how}`);
}
