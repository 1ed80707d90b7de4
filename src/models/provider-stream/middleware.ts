/** Middleware of the SDK that puts our readers between a service and its provider. */
import type { LanguageModelMiddleware } from 'ai';
import type { ModelCalls } from '../model-calls.ts';
import type { ChunkDialect } from './canonical-chunk.ts';
import { geminiAnswer } from './gemini-answer.ts';
import { responsesAnswer } from './responses-answer.ts';
import { chatAnswer } from './provider-answer.ts';

export interface ChatStreamSettings {
  dialect: ChunkDialect;
  /** Milliseconds to wait for counts after a declared finish. */
  settleMs: number;
}

/** Sends every answer through its provider, which sees one clean form of it. */
export function providerStream(
  calls: ModelCalls,
  { dialect, settleMs }: ChatStreamSettings,
): LanguageModelMiddleware {
  return {
    wrapStream: async ({ model, params }) => ({
      stream: calls.open(model, params, (onPart) => chatAnswer(dialect, settleMs, onPart)),
    }),
  };
}

/** Does the same for Gemini, whose provider is shown the service's own events. */
export function geminiStream(calls: ModelCalls, settleMs: number): LanguageModelMiddleware {
  return {
    wrapStream: async ({ model, params }) => ({
      stream: calls.open(model, params, (onPart) => geminiAnswer(settleMs, onPart)),
    }),
  };
}

/**
 * Puts the reader of OpenAI's Responses API in place of its provider's. The service is asked to
 * keep nothing: conversations are stored here.
 */
export function responsesStream(calls: ModelCalls, settleMs: number): LanguageModelMiddleware {
  return {
    transformParams: async ({ params }) => ({
      ...params,
      providerOptions: { ...params.providerOptions, openai: { store: false } },
    }),
    wrapStream: async ({ model, params }) => ({
      stream: calls.open(model, params, (onPart) => responsesAnswer(settleMs, onPart)),
    }),
  };
}
