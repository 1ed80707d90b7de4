/** Notes the calls of models that a turn makes, whatever becomes of them, for the ledger. */
import type { LanguageModelV4Prompt } from '@ai-sdk/provider';
import type { CallKind, LedgerEntry, TokenCounts } from '../../core/ledger.ts';
import type { MessageBuffer, Position } from '../../core/message-buffer.ts';
import { estimateTokens } from '../../core/tokens.ts';
import type { EmbeddingCall } from '../../models/embeddings/registry.ts';
import { costOf, type PriceTable } from '../../core/prices.ts';
import { countTokens, estimateOutput, estimatePrompt, type ReportedUsage } from './count-usage.ts';

/** A call's input and output, as far as they are needed to count its tokens. */
export interface LoggedCall {
  kind: CallKind;
  /** `provider/model`. */
  model: string;
  /** The last counts that the service reported; undefined when it reported none. */
  reported: ReportedUsage;
  prompt: LanguageModelV4Prompt;
  /** The beginning of its output in the answer, or the output itself. */
  said: Position | string;
  /** The tokens of its output by an estimate, where not all of it is kept. */
  written?: number | undefined;
  /** True when the service refused the call with an error status, which costs nothing. */
  isRefused?: boolean;
}

interface Work {
  workId: string;
  userId: string;
  conversationId: string | null;
  keyId: string | null;
  /** Its beginning, in milliseconds since the epoch: the prices are those of that time. */
  at: number;
}

export class CallLog {
  readonly #calls: (LoggedCall | EmbeddingCall)[] = [];

  /** Takes note of a call. A call for vectors that failed has used nothing. */
  add(call: LoggedCall | EmbeddingCall): void {
    if ('errorType' in call && call.errorType !== undefined) return;
    this.#calls.push(call);
  }

  /** Returns the entries of all calls so far. @param answer what the calls have written */
  entries(work: Work, answer: MessageBuffer, prices: PriceTable): LedgerEntry[] {
    return this.#calls.map((call, number) => {
      const counts = 'kind' in call ? countCall(call, answer, this.#endOf(number)) : counted(call);
      const price = prices.priceOf(call.model, work.at);
      return {
        ...counts,
        number,
        workId: work.workId,
        userId: work.userId,
        conversationId: work.conversationId,
        keyId: work.keyId,
        kind: 'kind' in call ? call.kind : 'embedding',
        model: call.model,
        nanodollars: price ? costOf(price, counts) : null,
      };
    });
  }

  /** Returns the tokens that all calls so far have used. @param answer what they have written */
  total(answer: MessageBuffer): { input: number; output: number } {
    const sum = { input: 0, output: 0 };
    for (const [number, call] of this.#calls.entries()) {
      const counts = 'kind' in call ? countCall(call, answer, this.#endOf(number)) : counted(call);
      sum.input += counts.inputTokens;
      sum.output += counts.outputTokens;
    }
    return sum;
  }

  /** Returns the number of the part at which the output of a call ends: where the next begins. */
  #endOf(number: number): number | undefined {
    for (const call of this.#calls.slice(number + 1))
      if ('said' in call && typeof call.said !== 'string') return call.said.part;
    return undefined;
  }
}

function counted({
  inputTokens,
  isEstimated,
}: Pick<EmbeddingCall, 'inputTokens' | 'isEstimated'>): TokenCounts {
  return { inputTokens, outputTokens: 0, cachedTokens: 0, reasoningTokens: 0, isEstimated };
}

const NOTHING = counted({ inputTokens: 0, isEstimated: false });

function countCall(
  { reported, prompt, said, written, isRefused }: LoggedCall,
  answer: MessageBuffer,
  end: number | undefined,
): TokenCounts {
  if (isRefused) return NOTHING;
  return countTokens(reported, {
    input: () => estimatePrompt(prompt),
    output: () =>
      written ??
      (typeof said === 'string' ? estimateTokens(said) : estimateOutput(answer.since(said, end))),
  });
}
