/** Reads the content of an item: its text and its files. */
import { z } from '@hono/zod-openapi';
import { invalid } from '../../core/errors.ts';
import type { QuestionFile } from '../../core/exchange.ts';
import { base64File, fileAt } from '../shared/given-file.ts';

const contentPart = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  refusal: z.string().optional(),
  image_url: z.string().nullish(),
  file_id: z.string().max(200).nullish(),
  file_data: z.string().nullish(),
  file_url: z.string().nullish(),
  filename: z.string().max(1_000).nullish(),
});

/** The content of an item: a text, or parts. */
export const itemContent = z.union([z.string(), z.array(contentPart)]);

type Content = z.output<typeof itemContent>;
type ContentPart = z.output<typeof contentPart>;

/** The parts of a content that are text. */
const TEXTS = new Set(['input_text', 'output_text', 'text', 'refusal', 'summary_text']);

/** The parts of a content that are files. */
const FILES = new Set(['input_image', 'input_file']);

/**
 * Returns the files in a content.
 * @throws ParleyError `invalid_request` that names the part
 */
export function filesIn(given: Content, path: string): QuestionFile[] {
  if (typeof given === 'string') return [];
  return given.flatMap((part, at) => {
    if (!FILES.has(part.type)) return [];
    const file = fileIn(part, `${path}.${at}`);
    if (!file) throw invalid(`${path}.${at}`, `${path}.${at}: there is no file in it`);
    return [file];
  });
}

function fileIn(part: ContentPart, path: string): QuestionFile | undefined {
  const { file_id, file_data: data, filename } = part;
  const said = { path, name: filename ?? undefined };
  if (file_id) return { key: file_id, attachment: { file_id } };
  const url = part.type === 'input_image' ? part.image_url : part.file_url;
  if (url) return { key: url, attachment: fileAt(url, said) };
  if (!data) return undefined;
  // Some send the base64 alone.
  const attachment = /^data:/i.test(data) ? fileAt(data, said) : base64File(data, said);
  return { key: data, attachment };
}

/**
 * Returns the text of a content.
 * @param mayHaveFiles true where files stand beside the text, which are read by themselves
 * @throws ParleyError `invalid_request` that names the part
 */
export function textOf(given: Content, path: string, mayHaveFiles = false): string {
  const all = typeof given === 'string' ? [{ type: 'text', text: given }] : given;
  const parts = mayHaveFiles ? all.filter(({ type }) => !FILES.has(type)) : all;
  const said = parts.map(({ type, text, refusal }: ContentPart, at) => {
    if (TEXTS.has(type)) return text ?? refusal ?? '';
    throw invalid(`${path}.${at}.type`, `${path}: a part of type ${type} is not supported here`);
  });
  return said.join('\n').replaceAll('\0', '').toWellFormed();
}
