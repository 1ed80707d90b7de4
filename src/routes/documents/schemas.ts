/** The schemas of requests about documents. */
import { z } from '@hono/zod-openapi';
import { DOCUMENT_STATUSES } from '../../core/document.ts';
import { RETRIEVAL_MODES } from '../../search/rank.ts';
import type { Json } from '../../core/parts.ts';
import { documentIds, metadataFilter } from '../shared/document-filter.ts';
import { problemSchema } from '../shared/responses.ts';
import { bodyOf } from '../shared/known-fields.ts';
import * as schemas from '../shared/schemas.ts';
import { language } from './language-field.ts';

/** The longest query, in UTF-16 units. */
const LONGEST_QUERY = 20_000;
const LONGEST_URL = 2_000;
const LONGEST_MIME_TYPE = 200;
/** The longest metadata of a document, in UTF-16 units of JSON. */
const LONGEST_METADATA = 16_000;
/**
 * The most levels of objects and lists in metadata. SQLite reads a thousand, but nobody needs more
 * than a few.
 */
const DEEPEST_METADATA = 20;

const json: z.ZodType<Json> = z.json();

const metadata = z
  .record(z.string(), z.unknown())
  // This check comes first, since endless nesting would exhaust the stack of the others.
  .refine((value) => !isDeeperThan(value, DEEPEST_METADATA), 'is nested too deeply')
  .pipe(z.record(z.string(), json))
  .refine((value) => !hasNul(value), 'must not contain a NUL character')
  .transform(wellFormedFields)
  .refine(
    (value) => JSON.stringify(value).length <= LONGEST_METADATA,
    `must be at most ${LONGEST_METADATA} characters of JSON`,
  )
  .openapi({
    type: 'object',
    description: 'Fields of your own, which searches can ask for',
    example: { department: 'sales' },
  });

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeperThan(inner, levels - 1));
}

function hasNul(value: Json): boolean {
  if (typeof value === 'string') return value.includes('\0');
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, inner]) => key.includes('\0') || hasNul(inner));
}

/** Replaces lone surrogates, as queries do; otherwise the two would not match. */
function wellFormed(value: Json): Json {
  if (typeof value === 'string') return value.toWellFormed();
  if (Array.isArray(value)) return value.map(wellFormed);
  return typeof value === 'object' && value !== null ? wellFormedFields(value) : value;
}

function wellFormedFields(fields: Record<string, Json>): Record<string, Json> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name.toWellFormed(), wellFormed(value)]),
  );
}

const url = schemas
  .text(LONGEST_URL)
  .pipe(z.url({ protocol: /^https?$/ }))
  .openapi({ description: 'Where the document is from; shown with citations, never fetched' });

const documentFields = {
  title: schemas.title
    .nullish()
    .openapi({ description: 'Its own, or its file’s name, when left out' }),
  mime_type: schemas.text(LONGEST_MIME_TYPE).optional().openapi({ example: 'text/markdown' }),
  conversation_id: schemas.id.nullish().openapi({
    description:
      'Ties the document to a conversation: only its turns see it, and it is deleted with it',
  }),
  url: url.nullish(),
  language: language.nullish().openapi({
    description: 'Its language, such as `de` or `pt-BR`; found in the text when left out',
    example: 'de',
  }),
};

const documentId = schemas.id
  .nullish()
  .openapi({ description: 'The document that this one replaces' });

export const newDocument = bodyOf({
  ...documentFields,
  user_id: schemas.userId.optional(),
  text: z.string().openapi({ description: 'Plain text, Markdown or HTML' }),
  metadata: metadata.nullish(),
  document_id: documentId,
  stream: schemas.turnFields.stream,
}).openapi('NewDocument');

const formFields = bodyOf({
  ...documentFields,
  user_id: schemas.userId.optional(),
  file: z
    .union([z.instanceof(File), z.string()])
    .optional()
    .openapi({
      type: 'string',
      format: 'binary',
      description:
        'Text, Markdown, HTML, PDF, RTF, .docx, .pptx, .xlsx, .odt, .odp, .ods, .epub or .eml',
    }),
  text: z.string().optional(),
  metadata: z
    .string()
    .transform(parseMetadata)
    .optional()
    .openapi({ type: 'string', description: 'A JSON object' }),
  document_id: documentId,
  stream: z
    .string()
    .optional()
    .transform((value) => value === 'true' || value === '1'),
});

/**
 * The same fields in a form, where everything is a string or a file, and a field left blank is
 * empty.
 */
export const documentForm = z.preprocess(withoutEmpty, formFields).openapi('DocumentForm');

function withoutEmpty(form: unknown): unknown {
  if (typeof form !== 'object' || form === null) return form;
  return Object.fromEntries(Object.entries(form).filter(([, value]) => value !== ''));
}

function parseMetadata(text: string, context: z.RefinementCtx): z.output<typeof metadata> {
  try {
    const parsed = metadata.safeParse(JSON.parse(text));
    if (parsed.success) return parsed.data;
  } catch {
    // The check below reports it, like JSON that is no object.
  }
  context.addIssue({ code: 'custom', message: 'must be a JSON object' });
  return z.NEVER;
}

export type NewDocumentBody = z.output<typeof newDocument>;
export type DocumentForm = z.output<typeof documentForm>;

const timestamp = z.iso.datetime();

export const documentSchema = z
  .looseObject({
    document_id: z.string(),
    id: z.string().describe('the same'),
    user_id: z.string(),
    conversation_id: z.string().nullable(),
    title: z.string(),
    url: z.string().optional(),
    mime_type: z.string(),
    metadata: z.record(z.string(), z.unknown()),
    content_hash: z.string(),
    size: z.int().openapi({ description: 'Bytes that were sent' }),
    charset: z.string().nullable().openapi({
      description:
        'What its bytes were read as, guessed where nothing said it; null for other than text',
    }),
    language: z.string().nullable().openapi({
      description:
        'ISO 639-1: given, or found where the text says it for sure. Words have its stems',
      example: 'en',
    }),
    status: z.enum(DOCUMENT_STATUSES).openapi({
      description: 'How the newest ingest went or goes; a failed one goes on when it is sent again',
    }),
    error: problemSchema.optional(),
    progress: z.object({ done: z.int(), total: z.int() }).optional(),
    searchable: z
      .boolean()
      .openapi({ description: 'True also while a replacement is made, or has failed' }),
    chunk_count: z.int(),
    embedding_model: z.string().nullable(),
    dimension: z.int().nullable(),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .openapi('Document');

export const documentChange = bodyOf({
  user_id: schemas.userId.optional(),
  language: language.nullable().openapi({
    description: 'Its words are found as those of this language; null finds it in the text again',
    example: 'de',
  }),
}).openapi('DocumentChange');

export const retrieval = bodyOf({
  user_id: schemas.userId.optional(),
  query: z
    .string()
    .max(LONGEST_QUERY, `must be at most ${LONGEST_QUERY} characters`)
    .refine((value) => value.trim() !== '', 'must not be empty')
    .openapi({ example: 'how long may I return a purchase?' }),
  k: z.int().min(1).max(100).default(8),
  mode: z.enum(RETRIEVAL_MODES).default('hybrid'),
  conversation_id: schemas.id
    .nullish()
    .openapi({ description: 'Only documents of this conversation' }),
  document_ids: documentIds.nullish(),
  metadata: metadataFilter.nullish(),
}).openapi('Retrieval');

export const chunkFields = {
  chunk_id: z.string(),
  document_id: z.string(),
  title: z.string().nullable(),
  url: z.string().optional(),
  text: z.string(),
  headings: z.array(z.string()),
  ordinal: z.int(),
  start: z
    .int()
    .openapi({ description: 'Where it begins in the document’s text, in UTF-16 units' }),
  end: z.int(),
};

export const retrieved = z
  .object({
    results: z.array(
      z.looseObject({
        ...chunkFields,
        score: z
          .number()
          .openapi({ description: 'Higher is better; comparable within one answer' }),
        keyword_rank: z.int().nullable(),
        vector_rank: z.int().nullable(),
      }),
    ),
  })
  .openapi('Retrieved');
