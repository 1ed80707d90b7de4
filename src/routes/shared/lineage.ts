/** Reads from a client's headers which chat a history belongs to. */
import { invalid } from '../../core/errors.ts';
import { clientName, LONGEST_NAME } from './client-name.ts';
import type { AppContext } from './dependencies.ts';

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

/** Reads the headers of Open WebUI and LibreChat. */
export function lineageOf(c: AppContext): Lineage {
  const header = (name: string) => {
    const value = c.req.header(name)?.trim();
    // A client that knows no value sends the name of the place for it.
    return !value || value.startsWith('{{') ? undefined : checkedName(name, value);
  };
  return {
    chatId: header('x-openwebui-chat-id') ?? header('x-conversation-id'),
    questionId: header('x-openwebui-user-message-id'),
    answerId: header('x-openwebui-message-id'),
    parentId: header('x-openwebui-user-message-parent-id'),
    isTask: header('x-openwebui-task') !== undefined,
  };
}

/** Returns a name that a client gave. @throws ParleyError `invalid_request` that says where */
export function checkedName(where: string, name: string): string {
  if (clientName.safeParse(name).success) return name;
  throw invalid(where, `${where}: a name has 1 to ${LONGEST_NAME} characters`);
}
