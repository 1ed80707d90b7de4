/**
 * Follows a turn for those who watch: it gives places to the turn and its calls, and keeps when its
 * parts began and ended. What is told of that is made later. A turn that nobody watches has none.
 */
import type { LedgerEntry } from '../../core/ledger.ts';
import type { Outcome, TurnHead } from '../../core/message.ts';
import {
  errorTypeOf,
  withError,
  type Span,
  type SpanPlace,
  type Telemetry,
} from '../../core/telemetry.ts';
import { WorkTrace } from '../../models/work-trace.ts';
import type { StepResult } from './model-step.ts';
import { AGENT, TurnTeller, type AskedOfModel } from './turn-teller.ts';

/** The origin of a turn. */
export interface TraceOrigin {
  telemetry: Telemetry;
  /** The span of the request, or its `traceparent`; undefined for one that has none. */
  parent: SpanPlace | string | undefined;
  /** The time of the request for the turn, in milliseconds since the epoch. */
  begunAt: number;
}

/** The part of a result that may be told of a call. */
type ToldResult = Pick<
  StepResult,
  'finish' | 'usage' | 'error' | 'late' | 'firstOutputAt' | 'responder'
>;

/** A call of a model that has begun. */
export interface TracedCall {
  span: Span;
  /** Tell its service what it is part of. */
  headers: Record<string, string>;
}

export class TurnTrace {
  readonly #telemetry: Telemetry;
  readonly #span: Span;
  readonly #teller: TurnTeller;
  #toolCalls = 0;
  #storingAt = Number.NaN;
  #storedAt = Number.NaN;

  /** Begins the span of a turn that was accepted just now, and tells how long that took. */
  constructor({ telemetry, parent, begunAt }: TraceOrigin, head: TurnHead) {
    this.#telemetry = telemetry;
    const span = telemetry.begin({
      name: 'invoke_agent parley',
      kind: 'internal',
      parent,
      attributes: AGENT,
      startedAt: begunAt,
    });
    const teller = new TurnTeller(telemetry, span, head);
    this.#span = span;
    this.#teller = teller;
    const acceptedAt = performance.now();
    telemetry.later(() => teller.accepted(acceptedAt));
  }

  /** Returns what tells of the steps of the turn. */
  get work(): WorkTrace {
    return new WorkTrace(this.#telemetry, this.#span);
  }

  /** Runs a call of a tool of ours. @param failed tells whether its result is a failure */
  async tool<Result>(
    { name, callId }: { name: string; callId: string },
    run: () => Promise<Result>,
    failed: (result: Result) => boolean,
  ): Promise<Result> {
    this.#toolCalls++;
    const attributes = {
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': name,
      'gen_ai.tool.type': 'function',
    };
    const span = this.#telemetry.begin({
      name: `execute_tool ${name}`,
      kind: 'internal',
      parent: this.#span,
      attributes: { ...attributes, 'gen_ai.tool.call.id': callId },
    });
    const result = await run();
    const error = failed(result) ? 'tool_error' : undefined;
    const seconds = span.end(error);
    const measured = withError(attributes, error);
    this.#telemetry.measure('gen_ai.execute_tool.duration', seconds, measured);
    return result;
  }

  /** Begins a call of a model, whose service is told what it is part of by these headers. */
  beginCall(): TracedCall {
    const span = this.#telemetry.begin({ name: 'chat', kind: 'client', parent: this.#span });
    return { span, headers: { traceparent: span.traceparent } };
  }

  /** Ends a call with what came of it. */
  endCall({ span }: TracedCall, asked: AskedOfModel, step: ToldResult): void {
    const endedAt = performance.now();
    // Neither the error nor the step is kept, since they may hold long texts.
    const failure = errorOf(step);
    const { finish, usage, firstOutputAt, responder } = step;
    const teller = this.#teller;
    const told = { ...asked, span, endedAt, failure, finish, usage, firstOutputAt, responder };
    this.#telemetry.later(() => teller.called(told));
  }

  /** Begins to store the end of the turn. */
  beginStore(): void {
    this.#storingAt = performance.now();
  }

  endStore(): void {
    this.#storedAt = performance.now();
  }

  /**
   * Ends the span of the turn with what became of it.
   * @returns when that was sent, where there is something to wait for
   */
  end({ message, error }: Outcome, calls: readonly LedgerEntry[]): Promise<void> | undefined {
    const teller = this.#teller;
    const told = {
      storingAt: this.#storingAt,
      storedAt: this.#storedAt,
      endedAt: performance.now(),
      failure: error?.code,
      calls,
      toolCalls: this.#toolCalls,
      // The rest of the message is the answer.
      status: message.status,
      model: message.model,
      finishReason: message.finishReason,
      firstTokenMs: message.firstTokenMs,
      durationMs: message.durationMs,
      inputTokens: message.inputTokens,
      outputTokens: message.outputTokens,
    };
    this.#telemetry.later(() => teller.ended(told));
    return this.#telemetry.settle();
  }
}

/**
 * Tells that a turn was read that is there already: nothing was asked of a model for it, so no
 * tokens are told.
 */
export function tellReplay(
  origin: TraceOrigin | undefined,
  { conversationId }: { conversationId: string },
): void {
  if (!origin) return;
  const { telemetry, parent, begunAt: startedAt } = origin;
  const attributes = {
    'gen_ai.operation.name': 'fetch_response',
    'gen_ai.conversation.id': conversationId,
  };
  const [name, kind] = ['fetch_response', 'internal'] as const;
  const span = telemetry.begin({ name, kind, parent, attributes, startedAt });
  const endedAt = performance.now();
  telemetry.later(() => span.end(undefined, endedAt));
}

function errorOf(step: ToldResult): string | undefined {
  if (step.late) return 'timeout';
  return step.error === undefined ? undefined : errorTypeOf(step.error);
}
