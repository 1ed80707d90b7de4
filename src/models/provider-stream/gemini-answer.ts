/** An answer of Gemini's on its way through its provider. */
import { GeminiReader } from '../chat-stream/gemini-reader.ts';
import type { Answer } from '../model-calls.ts';
import type { OnPart } from '../part-stream.ts';
import { ProviderBody } from './provider-body.ts';

/** Shows the provider an error that it can read, whatever was reported. */
const ERROR_EVENT = {
  error: { code: 500, message: 'the service reported an error', status: 'INTERNAL' },
};

export function geminiAnswer(settleMs: number, onPart: OnPart): Answer {
  const body = new ProviderBody();
  let met: Error | undefined;
  const reader = new GeminiReader(
    {
      onEvent: (value) => body.write(value),
      onEnd: () => body.close(),
      onError(error) {
        met = error;
        body.write(ERROR_EVENT);
        body.close();
      },
    },
    settleMs,
  );
  return {
    reader,
    response: body.response,
    fromProvider: (part) => onPart(part.type === 'error' && met ? { ...part, error: met } : part),
    errorMet: () => met,
  };
}
