/** An answer of OpenAI's Responses API. It is told by its reader: its provider only asks for it. */
import { finishReasonOf } from '../chat-stream/finish-reasons.ts';
import { BrokenStreamError } from '../chat-stream/reported-error.ts';
import { ResponsesReader } from '../chat-stream/responses-reader.ts';
import { sdkUsage } from '../chat-stream/usage.ts';
import type { Answer } from '../model-calls.ts';
import type { OnPart } from '../part-stream.ts';
import { ProviderBody } from './provider-body.ts';

const ID = 'direct';

export function responsesAnswer(settleMs: number, onPart: OnPart): Answer {
  const { promise: told, resolve, reject } = Promise.withResolvers<void>();
  const reader = new ResponsesReader(
    {
      onText: (delta) => void (delta !== '' && onPart({ type: 'text-delta', id: ID, delta })),
      onThought: (delta) =>
        void (delta !== '' && onPart({ type: 'reasoning-delta', id: ID, delta })),
      onCall: onPart,
      onEnd(finish, usage) {
        onPart({
          type: 'finish',
          finishReason: finishReasonOf(finish, finish),
          usage: sdkUsage(usage),
        });
        resolve();
      },
      onError(error) {
        if (error instanceof BrokenStreamError) return reject(error);
        onPart({ type: 'error', error });
        resolve();
      },
    },
    settleMs,
  );
  return {
    reader,
    // Nothing is ever written to it, so that the provider goes on waiting.
    response: new ProviderBody().response,
    told,
    fromProvider: onPart,
    errorMet: () => undefined,
  };
}
