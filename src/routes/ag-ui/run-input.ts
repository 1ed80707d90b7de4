/** The body that a client of AG-UI posts, and what it asks for. */
import { z } from '@hono/zod-openapi';
import type { AnswerName, ChatTrigger } from '../../actions/chat-trigger.ts';
import { invalid } from '../../core/errors.ts';
import type { TurnParameters } from '../../core/parameters.ts';
import { clean } from '../../core/safe-text.ts';
import type { Approval, ToolResult } from '../../core/tool-calls.ts';
import { clientName as name } from '../shared/client-name.ts';
import { invalidInput } from '../shared/invalid-input.ts';
import { jsonSchema, parameterFields, parametersOf } from '../shared/parameters.ts';
import * as schemas from '../shared/schemas.ts';

const content = z.union([z.string(), z.array(z.looseObject({ type: z.string() }))]);

const message = z.looseObject({
  id: name,
  role: z.string(),
  content: content.nullish(),
  toolCallId: z.string().optional(),
  error: z.string().optional(),
  toolCalls: z.array(z.unknown()).optional(),
});

type Message = z.output<typeof message>;

const resume = z.looseObject({
  interruptId: z.string(),
  status: z.enum(['resolved', 'cancelled']),
  payload: z.unknown(),
});

/** The fields of ours that a client may forward; all others pass. */
const forwarded = z.looseObject({
  user_id: schemas.userId.optional(),
  model: schemas.modelName.nullish(),
  mode: schemas.mode.optional(),
  instructions: schemas.instructions.nullish(),
  on_busy: schemas.turnFields.on_busy,
  on_disconnect: schemas.turnFields.on_disconnect,
});

export const runInput = z
  .looseObject({
    threadId: name.openapi({ description: 'The conversation, by any name unique for its user' }),
    runId: name.openapi({ description: 'The same run posted again joins the first' }),
    messages: z.array(message).max(20_000),
    tools: z
      .array(
        z.looseObject({
          name: z.string(),
          description: z.string(),
          parameters: jsonSchema.nullish(),
        }),
      )
      .default([])
      .openapi({ description: 'Tools that the client runs' }),
    context: z
      .array(z.looseObject({ description: z.string(), value: z.string() }))
      .max(100)
      .default([])
      .openapi({ description: 'What the model should know for this run' }),
    forwardedProps: forwarded.nullish(),
    resume: z.array(resume).max(100).optional(),
  })
  .openapi('AgUiRunInput');

export type RunInput = z.output<typeof runInput>;

/**
 * Returns what a run asks for: a message, or to go on with results or approvals.
 * @throws ParleyError `invalid_request`
 */
export function triggerOf({ messages, resume: answers = [] }: RunInput): ChatTrigger {
  const results = trailing(messages);
  if (answers.length > 0 || results.length > 0) {
    const answerId = messages.findLast(({ role }) => role === 'assistant')?.id;
    if (answerId === undefined) throw invalid('messages', 'there is no answer to go on with');
    return { kind: 'answer', answerId, parts: [...results, ...answers.map(approvalOf)] };
  }
  const last = messages.at(-1);
  if (last?.role !== 'user') throw invalid('messages', 'the last message must be the user’s');
  return {
    kind: 'submit',
    messageId: last.id,
    isAgain: false,
    parts: [{ type: 'text', text: textOf(last) }],
    answersBefore: messages
      .filter(({ role }) => role === 'assistant')
      .map(nameOf)
      .toReversed(),
    hasQuestionsBefore: messages.filter(({ role }) => role === 'user').length > 1,
  };
}

/** Returns the results of tools after the last answer. */
function trailing(messages: Message[]): ToolResult[] {
  const after = messages.findLastIndex(({ role }) => role !== 'tool') + 1;
  return messages.slice(after).map((result) => {
    const { toolCallId, error } = result;
    if (toolCallId === undefined) throw invalid('messages', 'toolCallId: is required');
    const tool_call_id = clean(toolCallId);
    if (error !== undefined)
      return { type: 'tool_result', tool_call_id, output: { error: clean(error) }, is_error: true };
    return { type: 'tool_result', tool_call_id, output: clean(textIn(result)) };
  });
}

/** An interrupt that is resolved allows the call, unless its payload says otherwise. */
function approvalOf({ interruptId, status, payload }: z.output<typeof resume>): Approval {
  const said = z.looseObject({ approved: z.boolean().optional(), reason: z.string().optional() });
  const { approved = true, reason } = said.safeParse(payload).data ?? {};
  const why = reason === undefined ? {} : { reason: clean(reason) };
  const isAllowed = status === 'resolved' && approved;
  return { type: 'approval', approval_id: clean(interruptId), approved: isAllowed, ...why };
}

function nameOf({ id }: Message): AnswerName {
  return { name: id, mayBeSeveral: false };
}

function textOf(given: Message): string {
  const parsed = schemas.messageText.safeParse(textIn(given));
  if (!parsed.success)
    throw invalid('messages', `content: ${parsed.error.issues[0]?.message ?? ''}`);
  return parsed.data;
}

function textIn({ content: said }: Message): string {
  if (typeof said === 'string') return said;
  const parts = said ?? [];
  const other = parts.find(({ type }) => type !== 'text');
  if (other) throw invalid('messages', `a part of type ${other.type} is not supported here`);
  return parts.flatMap(({ text }) => (typeof text === 'string' ? [text] : [])).join('\n');
}

const OUR_TOOLS = z.object({ tools: parameterFields.tools });

/**
 * Returns the parameters of a run; undefined when it has none.
 * @throws ParleyError `invalid_request` that names what is wrong
 */
export function parametersIn({ tools, context, messages }: RunInput): TurnParameters | undefined {
  const ours = tools.map(({ name: tool, description, parameters }) => ({
    name: tool,
    description,
    input_schema: { type: 'object', ...parameters },
  }));
  const { data, error } = OUR_TOOLS.safeParse(ours.length === 0 ? {} : { tools: ours });
  if (error) throw invalidInput(error);
  const parameters = parametersOf(data);
  const known = context.map(({ description, value }) => `${description}: ${value}`).join('\n');
  const said = [...messages.filter(instructs).map(textIn), known].filter(Boolean).join('\n\n');
  if (said === '') return parameters;
  const more = schemas.instructions.safeParse(said);
  if (!more.success) throw invalid('context', 'context: is too long, with the system messages');
  return { ...parameters, more_instructions: more.data };
}

function instructs({ role }: Message): boolean {
  return role === 'system' || role === 'developer';
}
