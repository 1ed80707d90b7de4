/** A turn that is asked for in a new conversation, for tests of what the store makes of it. */
import { newId } from '../../../../src/core/ids.ts';
import type { TurnClaim } from '../../../../src/store/turns/claim.ts';

export function newClaim(): TurnClaim {
  const conversationId = newId();
  const about = { title: null, mode: 'open' as const, model: null, instructions: null };
  return {
    turnId: newId(),
    userMessageId: newId(),
    assistantMessageId: newId(),
    instanceId: newId(),
    conversationId,
    userId: 'ann',
    create: { id: conversationId, userId: 'ann', ...about },
    text: 'Hello',
    textTokens: 1,
    title: null,
    model: null,
    defaultModel: 'offline',
  };
}
