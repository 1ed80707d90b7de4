/** The fast path, as middleware of the SDK: see README.md beside this file. */
import type { LanguageModelMiddleware } from 'ai';
import type { ModelCalls } from '../model-calls.ts';
import type { ChatStreamSettings } from '../provider-stream/middleware.ts';
import { directAnswer } from './direct-answer.ts';

/** Leads answers of text alone around their provider, which still makes the request. */
export function fastPath(
  calls: ModelCalls,
  { dialect, settleMs }: ChatStreamSettings,
): LanguageModelMiddleware {
  return {
    wrapStream: async ({ model, params }) => ({
      stream: calls.open(model, params, (onPart) => directAnswer(dialect, settleMs, onPart)),
    }),
  };
}
