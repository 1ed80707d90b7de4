/** Builds the input of a turn from a client's fields. */
import { invalid } from '../core/errors.ts';
import type { Part } from '../core/parts.ts';
import type { MessageAddress } from '../store/tree/find-message.ts';
import type { TurnInput } from '../turns/turn-service.ts';

/** A user message as clients send it; one of `message` and `content` is set. */
export interface MessageFields {
  message?: string;
  content?: string;
  /**
   * The answer that it follows; null for a new beginning, undefined for the end of the active path.
   */
  parent_message_id?: string | null;
}

/** Returns the input of a new message. */
export function messageInput(fields: MessageFields): TurnInput {
  return { kind: 'message', parts: partsOf(fields), parentId: fields.parent_message_id };
}

/**
 * Returns the input that answers a user message again. For an answer, that is the message that it
 * answers.
 */
export function regenerateInput({ id, role, parentId }: MessageAddress): TurnInput {
  return { kind: 'regenerate', promptId: role === 'user' ? id : (parentId ?? id) };
}

/**
 * Returns the input for an edited message.
 * @throws ParleyError `invalid_request` for an answer
 */
export function editInput(message: MessageAddress, fields: MessageFields): TurnInput {
  if (message.role !== 'user') throw invalid('id', 'only a user message can be edited');
  const { parentId } = message;
  return { kind: 'message', parts: partsOf(fields), parentId, parentMayBeQuestion: true };
}

function partsOf({ message, content }: MessageFields): Part[] {
  return [{ type: 'text', text: message ?? content ?? '' }];
}
