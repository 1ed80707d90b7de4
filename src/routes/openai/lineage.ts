/** What a client's headers and metadata say of the chat that a request belongs to. */
import type { AppContext } from '../shared/dependencies.ts';
import type { CompletionBody } from './completion-body.ts';

export interface Lineage {
  /** The client's name of the chat, or the id of the conversation. */
  chatId?: string;
  /** The client's names of the question, of the answer to be, and of the answer before them. */
  questionId?: string;
  answerId?: string;
  parentId?: string;
  /** True for what a client asks for itself, such as a title: it belongs to no conversation. */
  isTask: boolean;
}

/** The longest name that a client may give. */
const LONGEST_NAME = 200;

/** Reads the headers of Open WebUI and LibreChat, and `metadata.conversation_id`. */
export function lineageOf(c: AppContext, { metadata, store }: CompletionBody): Lineage {
  const header = (name: string) => {
    const value = c.req.header(name)?.trim();
    return value && value.length <= LONGEST_NAME ? value : undefined;
  };
  const inHeaders = header('x-openwebui-chat-id') ?? header('x-conversation-id');
  return {
    chatId: metadata?.['conversation_id'] ?? inHeaders,
    questionId: header('x-openwebui-user-message-id'),
    answerId: header('x-openwebui-message-id'),
    parentId: header('x-openwebui-user-message-parent-id'),
    isTask: store === false || header('x-openwebui-task') !== undefined,
  };
}
