/**
 * What Open Responses and OpenAI's description of its API say of responses and of their events, as
 * strict schemas: every key that is required is there, nothing has a type or a value that they do
 * not know. While a response runs, the first wants its usage to be null and the second none: it is
 * null.
 */
import { z } from 'zod';

const itemStatus = z.enum(['in_progress', 'completed', 'incomplete']);

const annotation = z.looseObject({ type: z.enum(['url_citation', 'file_citation']) });

const outputText = z.looseObject({
  type: z.literal('output_text'),
  text: z.string(),
  annotations: z.array(annotation),
});

const summaryText = z.strictObject({ type: z.literal('summary_text'), text: z.string() });

const message = z.looseObject({
  type: z.literal('message'),
  id: z.string(),
  status: itemStatus,
  role: z.enum(['user', 'assistant', 'system', 'developer']),
  content: z.array(outputText),
});

const functionCall = z.looseObject({
  type: z.literal('function_call'),
  id: z.string(),
  call_id: z.string(),
  name: z.string(),
  arguments: z.string(),
  status: itemStatus,
});

const reasoning = z.looseObject({
  type: z.literal('reasoning'),
  id: z.string(),
  summary: z.array(summaryText),
});

const item = z.discriminatedUnion('type', [message, functionCall, reasoning]);

const tool = z.looseObject({
  type: z.literal('function'),
  name: z.string(),
  description: z.string().nullable(),
  parameters: z.record(z.string(), z.unknown()).nullable(),
  strict: z.boolean().nullable(),
});

const usage = z.looseObject({
  input_tokens: z.int(),
  output_tokens: z.int(),
  total_tokens: z.int(),
  input_tokens_details: z.looseObject({ cached_tokens: z.int() }),
  output_tokens_details: z.looseObject({ reasoning_tokens: z.int() }),
});

const format = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('text') }),
  z.looseObject({ type: z.literal('json_object') }),
  z.looseObject({
    type: z.literal('json_schema'),
    name: z.string(),
    description: z.string(),
    schema: z.record(z.string(), z.unknown()).nullable(),
    strict: z.boolean().nullable(),
  }),
]);

/** A response, with all keys that are required; those that may be null are there all the same. */
export const responseResource = z.looseObject({
  id: z.string(),
  object: z.literal('response'),
  created_at: z.int(),
  completed_at: z.int().nullable(),
  status: z.enum(['completed', 'failed', 'in_progress', 'cancelled', 'incomplete']),
  incomplete_details: z
    .looseObject({ reason: z.enum(['max_output_tokens', 'content_filter']) })
    .nullable(),
  model: z.string(),
  previous_response_id: z.string().nullable(),
  instructions: z.string().nullable(),
  output: z.array(item),
  error: z
    .looseObject({
      code: z.enum(['server_error', 'rate_limit_exceeded', 'invalid_prompt']),
      message: z.string(),
    })
    .nullable(),
  tools: z.array(tool),
  tool_choice: z.union([
    z.enum(['none', 'auto', 'required']),
    z.looseObject({ type: z.literal('function'), name: z.string().optional() }),
  ]),
  truncation: z.enum(['auto', 'disabled']),
  parallel_tool_calls: z.boolean(),
  text: z.looseObject({ format }),
  top_p: z.number(),
  presence_penalty: z.number(),
  frequency_penalty: z.number(),
  top_logprobs: z.int(),
  temperature: z.number(),
  reasoning: z
    .looseObject({ effort: z.string().nullable(), summary: z.string().nullable() })
    .nullable(),
  user: z.string().optional(),
  usage: usage.nullable(),
  max_output_tokens: z.int().nullable(),
  max_tool_calls: z.int().nullable(),
  store: z.boolean(),
  background: z.boolean(),
  service_tier: z.string(),
  metadata: z.record(z.string(), z.string()),
  safety_identifier: z.string().nullable(),
  prompt_cache_key: z.string().nullable(),
});

const sequence_number = z.int().min(0);
const response = responseResource;
const place = { sequence_number, item_id: z.string(), output_index: z.int() };
const inContent = { ...place, content_index: z.int() };
const inSummary = { ...place, summary_index: z.int() };
const part = z.discriminatedUnion('type', [outputText, summaryText]);

function event<Type extends string, Shape extends z.core.$ZodLooseShape>(type: Type, shape: Shape) {
  return z.looseObject({ type: z.literal(type), ...shape });
}

/** An event of a stream. */
export const responseEvent = z.discriminatedUnion('type', [
  event('response.created', { sequence_number, response }),
  event('response.in_progress', { sequence_number, response }),
  event('response.completed', { sequence_number, response }),
  event('response.incomplete', { sequence_number, response }),
  event('response.failed', { sequence_number, response }),
  event('response.output_item.added', { sequence_number, output_index: z.int(), item }),
  event('response.output_item.done', { sequence_number, output_index: z.int(), item }),
  event('response.content_part.added', { ...inContent, part }),
  event('response.content_part.done', { ...inContent, part }),
  event('response.output_text.delta', { ...inContent, delta: z.string() }),
  event('response.output_text.done', { ...inContent, text: z.string() }),
  event('response.reasoning_summary_part.added', { ...inSummary, part }),
  event('response.reasoning_summary_part.done', { ...inSummary, part }),
  event('response.reasoning_summary_text.delta', { ...inSummary, delta: z.string() }),
  event('response.reasoning_summary_text.done', { ...inSummary, text: z.string() }),
  event('response.function_call_arguments.delta', { ...place, delta: z.string() }),
  event('response.function_call_arguments.done', { ...place, arguments: z.string() }),
]);

/** A conversation that was summed up. */
export const compaction = z.looseObject({
  id: z.string(),
  object: z.literal('response.compaction'),
  created_at: z.int(),
  output: z
    .array(
      z.looseObject({
        type: z.literal('compaction'),
        id: z.string(),
        encrypted_content: z.string().min(1),
      }),
    )
    .min(1),
  usage,
});

/** A failure on a socket. */
export const errorFrame = z.looseObject({
  type: z.literal('error'),
  status: z.int(),
  error: z.looseObject({
    type: z.string(),
    code: z.string(),
    message: z.string(),
    param: z.string().nullable(),
  }),
});
