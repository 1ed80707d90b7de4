/** A turn in mid-air, for tests of what reads one. */
import { newId } from '../../src/chat/ids.ts';
import type { Message, Status, TurnHead } from '../../src/chat/message.ts';
import { LiveTurn } from '../../src/turns/live-turn.ts';

/** A turn that has said nothing yet; its readers are woken at once. */
export function liveTurn(): LiveTurn {
  const head: TurnHead = {
    turnId: newId(),
    conversationId: newId(),
    created: false,
    title: 'T',
    model: 'openai/x',
    userMessage: { id: newId(), sequenceNumber: 1, text: 'hi' },
    assistantMessage: { id: newId(), sequenceNumber: 2 },
    conversationCreatedAt: 0,
    acceptedAt: 0,
  };
  return new LiveTurn(head, (wake) => wake());
}

/** Ends it with what it has said. */
export function finish(live: LiveTurn, status: Status = 'complete'): void {
  const { head } = live;
  const message: Message = {
    id: head.assistantMessage.id,
    conversationId: head.conversationId,
    turnId: head.turnId,
    role: 'assistant',
    status,
    sequenceNumber: 2,
    parts: live.parts.all(),
    model: head.model,
    inputTokens: 1,
    outputTokens: 1,
    tokensEstimated: false,
    finishReason: status === 'complete' ? 'stop' : null,
    firstTokenMs: 1,
    durationMs: 1,
    createdAt: 0,
  };
  live.end({ message });
}
