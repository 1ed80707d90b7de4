/** A turn that is asked for in a new conversation, for tests of what the store makes of it. */
import { newId } from '../../../../src/core/ids.ts';
import type { TurnClaim } from '../../../../src/store/turns/claim.ts';

export function newClaim(): TurnClaim {
  const conversationId = newId();
  const about = {
    title: null,
    mode: 'open' as const,
    model: null,
    instructions: null,
    clientId: null,
  };
  return {
    turnId: newId(),
    assistantMessageId: newId(),
    answerClientId: null,
    instanceId: newId(),
    conversationId,
    principal: { kind: 'anyone', userId: 'ann' },
    create: { id: conversationId, userId: 'ann', ...about },
    input: {
      kind: 'message',
      messageId: newId(),
      parts: [{ type: 'text', text: 'Hello' }],
      textLength: 5,
      tokens: 1,
      parentId: undefined,
      parentMayBeQuestion: false,
      clientId: null,
      historyHash: null,
    },
    title: null,
    model: null,
    defaultModel: 'offline',
  };
}
