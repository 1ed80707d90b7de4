/** The body of Anthropic's Messages, and what it asks for. */
import { z } from '@hono/zod-openapi';
import { invalid } from '../../core/errors.ts';
import type { TurnParameters } from '../../core/parameters.ts';
import type { Part } from '../../core/parts.ts';
import { clean, cleanJson } from '../../core/safe-text.ts';
import type { SaidItem } from '../shared/history-of-items.ts';
import { jsonSchema, nameOfOne, parameterFields, parametersOf } from '../shared/parameters.ts';
import * as schemas from '../shared/schemas.ts';

/** The most messages of a history. */
const MOST_MESSAGES = 4_000;

const textBlock = z.looseObject({ type: z.string(), text: z.string().optional() });
const textual = z.union([z.string(), z.array(textBlock)]);

const block = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  id: z.string().max(200).optional(),
  name: z.string().max(200).optional(),
  input: z.json().optional().openapi({ type: 'object' }),
  tool_use_id: z.string().max(200).optional(),
  content: textual.nullish(),
  is_error: z.boolean().nullish(),
});

const message = z.looseObject({
  role: z.enum(['user', 'assistant']),
  content: z.union([z.string(), z.array(block)]),
});

const tool = z.looseObject({
  type: z.string().nullish(),
  name: nameOfOne,
  description: z.string().nullish(),
  input_schema: jsonSchema.optional(),
});

const counted = {
  model: schemas.modelName.nullish(),
  messages: z
    .array(message)
    .min(1)
    .max(MOST_MESSAGES, `may have at most ${MOST_MESSAGES} messages`),
  system: textual.nullish(),
  tools: z.array(tool).nullish(),
};

/** Further fields pass: clients send many that mean nothing here. */
export const countBody = z.looseObject(counted).openapi('TokenCountRequest');

export const messagesBody = z
  .looseObject({
    ...counted,
    max_tokens: parameterFields.max_output_tokens,
    stream: z.boolean().nullish(),
    temperature: z.number().min(0).max(1).nullish(),
    stop_sequences: z.array(z.string()).nullish(),
    tool_choice: z.looseObject({ type: z.string(), name: nameOfOne.optional() }).nullish(),
    metadata: z.looseObject({ user_id: z.string().nullish() }).nullish(),
  })
  .openapi('MessagesRequest');

export type CountBody = z.output<typeof countBody>;
export type MessagesBody = z.output<typeof messagesBody>;

/**
 * Returns what a body asks of the model besides its messages.
 * @throws ParleyError `invalid_request` that names what cannot be honoured
 */
export function parametersIn(body: MessagesBody): TurnParameters {
  const { top_k: topK, top_p: topP, max_tokens: max_output_tokens, temperature } = body;
  if (topK !== undefined && topK !== null) throw invalid('top_k', 'top_k is not supported here');
  if (topP !== undefined && topP !== null && topP !== 1)
    throw invalid('top_p', 'top_p is not supported here');
  if (body['mcp_servers']) throw invalid('mcp_servers', 'mcp_servers is not supported here');
  const given = parametersOf({
    max_output_tokens,
    temperature: temperature ?? undefined,
    stop: stopsIn(body),
    tools: toolsIn(body),
    tool_choice: toolChoiceIn(body),
  });
  const instructions = systemOf(body);
  return instructions === '' ? { ...given } : { ...given, instructions };
}

function stopsIn({ stop_sequences: stops }: MessagesBody): string[] | undefined {
  if (!stops || stops.length === 0) return undefined;
  const parsed = parameterFields.stop.safeParse(stops);
  if (parsed.success) return parsed.data;
  throw invalid(
    'stop_sequences',
    `stop_sequences: ${parsed.error.issues[0]?.message ?? 'invalid'}`,
  );
}

function toolsIn({ tools }: CountBody): TurnParameters['tools'] {
  if (!tools || tools.length === 0) return undefined;
  const mapped = tools.map(({ type, name, description, input_schema }, at) => {
    if ((type ?? 'custom') !== 'custom')
      throw invalid(`tools.${at}.type`, `tools.${at}.type: ${type} is not supported here`);
    return { name, input_schema, ...(description ? { description } : {}) };
  });
  const parsed = parameterFields.tools.safeParse(mapped);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = ['tools', ...(issue?.path ?? [])].join('.');
  throw invalid(path, `${path}: ${issue?.message ?? 'is invalid'}`);
}

const CHOICES = { auto: 'auto', any: 'required', none: 'none' } as const;

function toolChoiceIn({ tool_choice: choice, tools }: MessagesBody): TurnParameters['tool_choice'] {
  if (!choice || !tools || tools.length === 0) return undefined;
  if (choice.type === 'tool' && choice.name) return { name: choice.name };
  if (choice['disable_parallel_tool_use'] === true)
    throw invalid('tool_choice', 'tool_choice: disable_parallel_tool_use is not supported here');
  if (choice.type in CHOICES) return CHOICES[choice.type as keyof typeof CHOICES];
  throw invalid('tool_choice', `tool_choice of type ${choice.type} is not supported here`);
}

/** Returns the instructions in a body. */
export function systemOf({ system }: CountBody): string {
  const parsed = schemas.instructions.safeParse(textOf(system ?? '', 'system'));
  if (parsed.success) return parsed.data;
  throw invalid('system', `system ${parsed.error.issues[0]?.message ?? 'is invalid'}`);
}

/** Returns what was said, in its order. @throws ParleyError `invalid_request` */
export function itemsIn({ messages }: CountBody): SaidItem[] {
  return messages.flatMap(({ role, content }, at) => {
    const blocks = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
    return blocks.flatMap((one, number) => itemFrom(one, role, `messages.${at}.content.${number}`));
  });
}

function itemFrom(given: z.output<typeof block>, role: 'user' | 'assistant', path: string) {
  const { type, text = '' } = given;
  if (type === 'thinking' || type === 'redacted_thinking') return [];
  if (type === 'text') return saidBy(role, clean(text));
  if (type === 'tool_use' && role === 'assistant') return [callFrom(given, path)];
  if (type === 'tool_result' && role === 'user') return [resultFrom(given, path)];
  throw invalid(path, `${path}: a block of type ${type} is not supported here`);
}

function saidBy(role: 'user' | 'assistant', text: string): SaidItem[] {
  if (text === '') return [];
  if (role === 'user') return [{ kind: 'question', text }];
  return [{ kind: 'answer', parts: [{ type: 'text', text }] }];
}

function callFrom({ id, name, input = {} }: z.output<typeof block>, path: string): SaidItem {
  if (!id || !name) throw invalid(path, `${path}: id and name are required`);
  const said = cleanJson(input);
  const call: Part = { type: 'tool_call', tool_call_id: clean(id), name: clean(name), input: said };
  return { kind: 'answer', parts: [call] };
}

function resultFrom(given: z.output<typeof block>, path: string): SaidItem {
  const { tool_use_id: id, content, is_error: isError } = given;
  if (!id) throw invalid(path, `${path}: tool_use_id is required`);
  const output = textOf(content ?? '', path);
  const failed = isError ? { is_error: true } : {};
  return {
    kind: 'result',
    part: { type: 'tool_result', tool_call_id: clean(id), output, ...failed },
  };
}

function textOf(given: z.output<typeof textual>, path: string): string {
  const blocks = typeof given === 'string' ? [{ type: 'text', text: given }] : given;
  const other = blocks.find(({ type }) => type !== 'text');
  if (other) throw invalid(path, `${path}: a block of type ${other.type} is not supported here`);
  return clean(blocks.map(({ text = '' }) => text).join('\n'));
}
