/** Builds the recording that the floor replays: the product's own events of a finished turn. */
import { newId } from '../src/core/ids.ts';
import { ONLY_CHILD, type StoredTurn } from '../src/core/message.ts';
import { TurnReader } from '../src/turns/follow/turn-reader.ts';
import { storedSource } from '../src/turns/follow/turn-source.ts';
import { nativeSse } from '../src/wire/native-sse.ts';
import { expectedText, modelName } from './answer.ts';
import { QUESTION } from './turns.ts';

/** Returns the whole event stream. */
export function recordingOf(tokens: number): string {
  return new TurnReader(storedSource(finishedTurn(tokens)), nativeSse, 'start').read().text;
}

function finishedTurn(tokens: number): StoredTurn {
  const [conversationId, turnId, questionId, id] = [newId(), newId(), newId(), newId()];
  const model = `openai/${modelName({ tokens, paceMs: 0 })}`;
  const now = Date.now();
  const siblings = ONLY_CHILD;
  const question = { id: questionId, sequenceNumber: 1, parentId: null, siblings, text: QUESTION };
  const head = {
    turnId,
    conversationId,
    created: false,
    title: QUESTION,
    model,
    userMessage: question,
    assistantMessage: { id, sequenceNumber: 2, siblings },
    acceptedAt: now,
    conversationCreatedAt: now,
  };
  const message = {
    ...{ id, conversationId, turnId, siblings, model, parentId: questionId, createdAt: now },
    ...({ role: 'assistant', status: 'complete', finishReason: 'stop' } as const),
    ...{ sequenceNumber: 2, inputTokens: 10, outputTokens: tokens, firstTokenMs: 5, durationMs: 9 },
    clientId: null,
    ...{ isRefused: false, tokensEstimated: false },
    parts: [{ type: 'text' as const, text: expectedText(tokens) }],
  };
  return { head, message, running: false, hasHeartbeat: true };
}
