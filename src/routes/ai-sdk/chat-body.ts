/** The body that a chat of the AI SDK posts, and what it asks for. */
import { z } from '@hono/zod-openapi';
import { OUR_ID, type AnswerName, type ChatTrigger } from '../../actions/chat-trigger.ts';
import { invalid } from '../../core/errors.ts';
import type { Attachment } from '../../core/file.ts';
import { callAnswers, isToolPart } from './call-answers.ts';
import { chatParameterFields } from './chat-parameters.ts';
import { clientName as name } from '../shared/client-name.ts';
import { fileAt } from '../shared/given-file.ts';
import * as schemas from '../shared/schemas.ts';
import { joinSystemMessages } from '../shared/system-messages.ts';

const part = z.looseObject({ type: z.string() });

/** Only our own is looked at; whatever else a page keeps there passes. */
const metadata = z.unknown().transform((given) => ours.safeParse(given).data?.message_id);
const ours = z.object({ message_id: z.string() });

const uiMessage = z.looseObject({
  id: name,
  role: z.enum(['system', 'user', 'assistant']),
  parts: z.array(part),
  metadata: metadata.openapi({ type: 'object' }).optional(),
});

type UiMessage = z.output<typeof uiMessage>;

/** Fields that are not ours pass: `useChat` adds whatever its page puts into `body`. */
export const chatBody = z
  .looseObject({
    id: name.openapi({ description: 'The chat, by any name that is unique for its user' }),
    messages: z.array(uiMessage).max(20_000).optional(),
    message: uiMessage.optional(),
    trigger: z.enum(['submit-message', 'regenerate-message']).default('submit-message'),
    messageId: name.nullish(),
    user_id: schemas.userId.optional(),
    model: schemas.modelName.nullish(),
    mode: schemas.mode.optional(),
    instructions: schemas.instructions.nullish(),
    on_busy: schemas.turnFields.on_busy,
    on_disconnect: schemas.turnFields.on_disconnect,
    ...chatParameterFields,
  })
  .openapi('UiChatRequest');

export type ChatBody = z.output<typeof chatBody>;

/**
 * Returns what a body asks for.
 * @throws ParleyError `invalid_request` for a history that asks for nothing
 */
export function triggerOf(body: ChatBody): ChatTrigger {
  const last = body.message ?? body.messages?.at(-1);
  if (body.trigger === 'regenerate-message') {
    const messageId = last?.role === 'user' ? last.id : (body.messageId ?? last?.id);
    if (messageId === undefined) throw invalid('messages', 'there is no message to answer again');
    return { kind: 'regenerate', messageId };
  }
  if (!last) throw invalid('messages', 'messages (or message) is required');
  const answers = last.role === 'assistant' ? callAnswers(last.parts) : [];
  if (answers.length > 0) return { kind: 'answer', answerId: last.id, parts: answers };
  if (last.role !== 'user') throw invalid('messages', 'the last message must be the user’s');
  const attachments = filesIn(last);
  const text = textOf(last, attachments.length > 0);
  // An edited message may come with a name of its own: the chat knows it by the other.
  const messageId = body.messageId ?? last.id;
  return {
    kind: 'submit',
    messageId,
    isAgain: body.messageId === messageId,
    parts: text === '' ? [] : [{ type: 'text', text }],
    ...(attachments.length > 0 ? { attachments } : {}),
    answersBefore: body.message ? undefined : answersIn(body.messages ?? []),
    hasQuestionsBefore: questionsIn(body.messages ?? []) > 1,
  };
}

/** Returns the names of the answers in a history, the newest first. */
function answersIn(messages: UiMessage[]): AnswerName[] {
  return messages
    .filter(({ role }) => role === 'assistant')
    .map(answerName)
    .toReversed();
}

/** Returns the name of an answer: that of its newest message, which our metadata say. */
function answerName({ id, parts, metadata: newest }: UiMessage): AnswerName {
  return newest !== undefined && OUR_ID.test(newest)
    ? { name: newest, mayBeSeveral: false }
    : { name: id, mayBeSeveral: parts.some(({ type }) => isToolPart(type)) };
}

/**
 * Returns what the system messages of a body say.
 * @throws ParleyError `invalid_request`
 */
export function systemIn({ messages = [] }: ChatBody): string {
  return joinSystemMessages(messages.filter(({ role }) => role === 'system').flatMap(textsOf));
}

function questionsIn(messages: UiMessage[]): number {
  return messages.filter(({ role }) => role === 'user').length;
}

const filePart = z.object({
  url: z.string(),
  mediaType: z.string().max(200).optional(),
  filename: z.string().max(1_000).optional(),
});

function filesIn({ parts }: UiMessage): Attachment[] {
  return parts
    .filter(({ type }) => type === 'file')
    .map((part) => {
      const { data, error } = filePart.safeParse(part);
      if (error) throw invalid('messages', 'a part of type file needs a url');
      return fileAt(data.url, { path: 'messages', name: data.filename, type: data.mediaType });
    });
}

function textsOf({ parts }: Pick<UiMessage, 'parts'>): string[] {
  return parts.flatMap(({ text }) => (typeof text === 'string' ? [text] : []));
}

/** Returns the text of a message. @param mayBeEmpty true where there are files */
function textOf({ parts }: UiMessage, mayBeEmpty: boolean): string {
  const isOther = (type: string) => !/^(?:text|file|data-.*)$/.test(type);
  const other = parts.find(({ type }) => isOther(type));
  if (other) throw invalid('messages', `a part of type ${other.type} is not supported here`);
  const texts = textsOf({ parts });
  if (mayBeEmpty && texts.length === 0) return '';
  const parsed = schemas.messageText.safeParse(texts.join('\n'));
  if (!parsed.success) throw invalid('messages', `text: ${parsed.error.issues[0]?.message ?? ''}`);
  return parsed.data;
}
