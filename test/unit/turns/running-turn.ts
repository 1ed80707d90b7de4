/** A turn in mid-air, for tests of what reads one. */
import { newId } from '../../../src/core/ids.ts';
import {
  ONLY_CHILD,
  type Message,
  type Status,
  type StoredTurn,
  type TurnHead,
} from '../../../src/core/message.ts';
import { RunningTurn } from '../../../src/turns/run/running-turn.ts';

/** A turn that has said nothing yet; its readers are woken at once. */
export function newRunningTurn(): RunningTurn {
  const head: TurnHead = {
    turnId: newId(),
    conversationId: newId(),
    created: false,
    title: 'T',
    model: 'openai/x',
    userMessage: {
      id: newId(),
      sequenceNumber: 1,
      parentId: null,
      siblings: ONLY_CHILD,
      text: 'hi',
    },
    assistantMessage: { id: newId(), sequenceNumber: 2, siblings: ONLY_CHILD },
    conversationCreatedAt: 0,
    acceptedAt: 0,
  };
  return new RunningTurn(head, (wake) => wake());
}

/** Ends it with what it has said. */
export function finish(turn: RunningTurn, status: Status = 'complete'): void {
  const { head } = turn;
  const message: Message = {
    id: head.assistantMessage.id,
    conversationId: head.conversationId,
    turnId: head.turnId,
    parentId: head.userMessage.id,
    siblings: ONLY_CHILD,
    isRefused: false,
    role: 'assistant',
    status,
    sequenceNumber: 2,
    parts: turn.parts.all(),
    model: head.model,
    inputTokens: 1,
    outputTokens: 1,
    tokensEstimated: false,
    finishReason: status === 'complete' ? 'stop' : null,
    firstTokenMs: 1,
    durationMs: 1,
    clientId: null,
    createdAt: 0,
  };
  turn.end({ message });
}

/** A stored turn with this text. */
export function endedTurn(text: string): StoredTurn {
  const turn = newRunningTurn();
  turn.append('text', text);
  finish(turn);
  const { head, outcome } = turn;
  if (!outcome) throw new Error('a turn that was finished has an outcome');
  return { head, ...outcome, running: false, hasHeartbeat: true };
}
