/** What a client's headers and metadata say of the chat that a request belongs to. */
import { invalid } from '../../core/errors.ts';
import type { AppContext } from '../shared/dependencies.ts';
import type { CompletionBody } from './completion-body.ts';

export interface Lineage {
  /** The client's name of the chat. */
  chatId?: string;
  /** The id of the conversation. */
  conversationId?: string;
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
export function lineageOf(c: AppContext, body: CompletionBody): Lineage {
  const { metadata, store } = body;
  const header = (name: string) => {
    const value = c.req.header(name)?.trim();
    // A client that knows no value sends the name of the place for it.
    return !value || value.startsWith('{{') ? undefined : checked(name, value);
  };
  const named = metadata?.['conversation_id'];
  return {
    chatId: header('x-openwebui-chat-id') ?? header('x-conversation-id'),
    conversationId: named === undefined ? undefined : checked('metadata', named),
    questionId: header('x-openwebui-user-message-id'),
    answerId: header('x-openwebui-message-id'),
    parentId: header('x-openwebui-user-message-parent-id'),
    isTask: store === false || header('x-openwebui-task') !== undefined || isTaskPrompt(body),
  };
}

/** What the prompts have in common by which Open WebUI asks for titles, tags and the like. */
const TASK = /^### Task:\s/;
const TASK_MATERIAL = /<chat_history>|^### Task:\s+You are an autocompletion system/;

/** Returns true for a message that is alone and that a client wrote for itself. */
function isTaskPrompt({ messages }: CompletionBody): boolean {
  const [only, ...others] = messages;
  if (!only || others.length > 0 || only.role !== 'user') return false;
  const { content } = only;
  return typeof content === 'string' && TASK.test(content) && TASK_MATERIAL.test(content);
}

function checked(where: string, name: string): string {
  const isName = name !== '' && name.length <= LONGEST_NAME && !name.includes('\0');
  if (isName) return name;
  throw invalid(where, `${where}: a name has 1 to ${LONGEST_NAME} characters`);
}
