/** The body of Anthropic's Messages, and what it asks for. */
import { z } from '@hono/zod-openapi';
import { invalid } from '../../core/errors.ts';
import type { TurnParameters } from '../../core/parameters.ts';
import { jsonSchema, nameOfOne, parameterFields, parametersOf } from '../shared/parameters.ts';
import { checkTools } from '../shared/check-tools.ts';
import * as schemas from '../shared/schemas.ts';
import { refuseUnhonoured, type Unhonoured } from '../shared/unhonoured.ts';
import { block, textOf, textual } from './blocks.ts';
import { checkContextManagement, displayOf, effortOf, thinkingConfig } from './thinking.ts';

/** The most messages of a history. */
const MOST_MESSAGES = 4_000;

const message = z.looseObject({
  role: z.enum(['user', 'assistant']),
  content: z.union([z.string(), z.array(block)]),
});

const tool = z.looseObject({
  type: z.string().nullish(),
  name: nameOfOne,
  description: z.string().nullish(),
  input_schema: jsonSchema.optional(),
  strict: z.boolean().nullish(),
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

const outputConfig = z.looseObject({
  effort: z
    .enum(['low', 'medium', 'high', 'xhigh', 'max'])
    .transform((effort) => (effort === 'max' ? 'xhigh' : effort))
    .nullish(),
  format: z.looseObject({ type: z.literal('json_schema'), schema: jsonSchema }).nullish(),
});

export const messagesBody = z
  .looseObject({
    ...counted,
    max_tokens: parameterFields.max_output_tokens,
    stream: z.boolean().nullish(),
    temperature: z.number().min(0).max(1).nullish(),
    stop_sequences: z.array(z.string()).nullish(),
    tool_choice: z.looseObject({ type: z.string(), name: nameOfOne.optional() }).nullish(),
    metadata: z.looseObject({ user_id: z.string().nullish() }).nullish(),
    output_config: outputConfig.nullish(),
    thinking: thinkingConfig.nullish(),
    context_management: z
      .looseObject({ edits: z.array(z.looseObject({ type: z.string() })).nullish() })
      .nullish(),
  })
  .openapi('MessagesRequest');

export type CountBody = z.output<typeof countBody>;
export type MessagesBody = z.output<typeof messagesBody>;

/** Fields that change the answer and that we do not honour, with the values that change nothing. */
const NOT_HONOURED: Unhonoured = {
  compaction: [],
  container: [],
  diagnostics: [],
  fallback_credit_token: [],
  fallbacks: [],
  inference_geo: ['global'],
  mcp_servers: [],
  output_format: [],
  service_tier: ['auto', 'standard_only'],
  speed: ['standard'],
  thread: [],
  top_k: [],
  top_p: [1],
};

/**
 * Returns what a body asks of the model besides its messages.
 * @param thinks whether the model is known to think: a budget of thoughts is an effort for it, and
 *   kept by any other
 * @throws ParleyError `invalid_request` that names what cannot be honoured
 */
export function parametersIn(body: MessagesBody, thinks: boolean): TurnParameters {
  refuseUnhonoured(body, NOT_HONOURED);
  checkContextManagement(body.context_management ?? null);
  const effort = effortOf(body.thinking, body.max_tokens);
  const { max_tokens: max_output_tokens, temperature, output_config: output } = body;
  const { schema } = output?.format ?? {};
  const given = parametersOf({
    max_output_tokens,
    temperature: temperature ?? undefined,
    stop: stopsIn(body),
    reasoning_effort: output?.effort ?? (thinks ? effort : undefined),
    response_format: schema && { type: 'json_schema', json_schema: { name: 'answer', schema } },
    tools: toolsIn(body),
    tool_choice: toolChoiceIn(body),
  });
  const instructions = systemOf(body);
  return {
    ...given,
    ...displayOf(body.thinking),
    ...(isOneAtATime(body) ? { parallel_tool_calls: false } : {}),
    ...(instructions === '' ? {} : { instructions }),
    // This API has no way of asking.
    without_approvals: true,
  };
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
  const given = tools.map(({ type, name, description, input_schema, strict }, at) => {
    if ((type ?? 'custom') !== 'custom')
      throw invalid(`tools.${at}.type`, `tools.${at}.type: ${type} is not supported here`);
    return { name, input_schema, strict, ...(description ? { description } : {}) };
  });
  return checkTools(given, 'input_schema');
}

const CHOICES = { auto: 'auto', any: 'required', none: 'none' } as const;

function toolChoiceIn({ tool_choice: choice, tools }: MessagesBody): TurnParameters['tool_choice'] {
  if (!choice || !tools || tools.length === 0) return undefined;
  if (choice.type === 'tool' && choice.name) return { name: choice.name };
  if (choice.type in CHOICES) return CHOICES[choice.type as keyof typeof CHOICES];
  throw invalid('tool_choice', `tool_choice of type ${choice.type} is not supported here`);
}

function isOneAtATime({ tool_choice: choice, tools }: MessagesBody): boolean {
  return choice?.['disable_parallel_tool_use'] === true && (tools?.length ?? 0) > 0;
}

/** Returns the instructions in a body. */
export function systemOf({ system }: CountBody): string {
  const parsed = schemas.instructions.safeParse(textOf(system ?? '', 'system'));
  if (parsed.success) return parsed.data;
  throw invalid('system', `system ${parsed.error.issues[0]?.message ?? 'is invalid'}`);
}
