/**
 * Tells of a turn to those who watch: a span for the turn with those of its steps below it, by the
 * names of OpenTelemetry's conventions for generative AI, and the measures of all of them. A turn
 * that nobody watches has none.
 */
import type { LedgerEntry } from '../../core/ledger.ts';
import type { Outcome, TurnHead } from '../../core/message.ts';
import { errorTypeOf, type Attributes, type Span, type Telemetry } from '../../core/telemetry.ts';
import type { ChatModel } from '../../models/chat/registry.ts';
import { modelAttributes, modelIdOf, WorkTrace } from '../../models/work-trace.ts';
import type { StepResult } from './model-step.ts';

/** The origin of a turn. */
export interface TraceOrigin {
  telemetry: Telemetry;
  /** The `traceparent` of the request; undefined for one that has none. */
  parent: string | undefined;
  /** The time of the request for the turn, in milliseconds since the epoch. */
  begunAt: number;
}

/** The part of a result that may be told of a call. */
type ToldResult = Pick<StepResult, 'finish' | 'usage' | 'error' | 'late' | 'firstOutputAt'>;

export class TurnTrace {
  readonly #telemetry: Telemetry;
  readonly #span: Span;
  /** Tells of the steps of the turn. */
  readonly work: WorkTrace;
  readonly #begunAt: number;
  #toolCalls = 0;

  /** Begins the span of a turn that was accepted just now, and tells how long that took. */
  constructor({ telemetry, parent, begunAt }: TraceOrigin, head: TurnHead) {
    this.#telemetry = telemetry;
    this.#begunAt = begunAt;
    this.#span = telemetry.begin({
      ...{ name: 'invoke_agent parley', kind: 'internal', parent, startedAt: begunAt },
      attributes: {
        'gen_ai.operation.name': 'invoke_agent',
        'gen_ai.agent.name': 'parley',
        'gen_ai.conversation.id': head.conversationId,
        'parley.turn.id': head.turnId,
        ...modelAttributes(head.model),
      },
    });
    this.work = new WorkTrace(telemetry, this.#span.traceparent);
    this.#begin('accept', 'internal', {}, begunAt).end();
  }

  /** Runs a call of a tool of ours. @param failed tells whether its result is a failure */
  async tool<Result>(
    { name, callId }: { name: string; callId: string },
    run: () => Promise<Result>,
    failed: (result: Result) => boolean,
  ): Promise<Result> {
    this.#toolCalls++;
    const begunAt = performance.now();
    const attributes = {
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': name,
      'gen_ai.tool.type': 'function',
    };
    const span = this.#begin(`execute_tool ${name}`, 'internal', {
      ...attributes,
      'gen_ai.tool.call.id': callId,
    });
    const result = await run();
    const error = failed(result) ? 'tool_error' : undefined;
    span.end(error);
    const measured = { ...attributes, 'error.type': error };
    this.#telemetry.measure('gen_ai.execute_tool.duration', secondsSince(begunAt), measured);
    return result;
  }

  /**
   * Runs a call of a model, which is told what it is part of.
   * @param run is given the headers that say so
   */
  async call<Result extends ToldResult>(
    model: ChatModel,
    parameters: Attributes,
    run: (headers: Record<string, string>) => Promise<Result>,
  ): Promise<Result> {
    const begunAt = performance.now();
    const attributes = { 'gen_ai.operation.name': 'chat', ...modelAttributes(model.name) };
    const asked = { ...attributes, 'gen_ai.request.stream': true, ...parameters };
    const span = this.#begin(`chat ${modelIdOf(model.name)}`, 'client', asked);
    const step = await run({ traceparent: span.traceparent });
    const error = errorOf(step);
    span.set(resultAttributes(step, begunAt));
    span.end(error);
    const measured = { ...attributes, 'error.type': error };
    this.#measure('gen_ai.client.operation.duration', secondsSince(begunAt), measured);
    if (step.firstOutputAt === undefined) return step;
    const seconds = (step.firstOutputAt - begunAt) / 1000;
    this.#measure('gen_ai.client.operation.time_to_first_chunk', seconds, measured);
    return step;
  }

  /** Ends the span of the turn with what became of it. */
  end({ message, error }: Outcome, calls: readonly LedgerEntry[]): Promise<void> {
    const failure = error?.code;
    this.#span.set({
      'parley.turn.status': message.status,
      'gen_ai.response.model': message.model ? modelIdOf(message.model) : undefined,
      'gen_ai.response.finish_reasons': message.finishReason ? [message.finishReason] : undefined,
      'gen_ai.usage.input_tokens': message.inputTokens ?? undefined,
      'gen_ai.usage.output_tokens': message.outputTokens ?? undefined,
    });
    this.#span.end(failure);
    for (const call of calls) if (call.kind !== 'embedding') this.#measureCall(call);
    this.#measureTurn(message, calls, failure);
    return this.#telemetry.settle();
  }

  #begin(name: string, kind: 'internal' | 'client', attributes: Attributes, startedAt?: number) {
    const parent = this.#span.traceparent;
    return this.#telemetry.begin({ name, kind, parent, attributes, startedAt });
  }

  /**
   * The tokens of a call as its service counted them. A call without counts is told as none of an
   * unknown kind, though the ledger estimates it; calls for vectors are told when they are made.
   */
  #measureCall(call: LedgerEntry): void {
    const attributes = { 'gen_ai.operation.name': 'chat', ...modelAttributes(call.model) };
    const { inputTokens, outputTokens, cachedTokens, reasoningTokens } = call;
    const isCounted = !call.isEstimated && inputTokens > 0;
    const counted = { ...attributes, 'gen_ai.token.modality': isCounted ? 'text' : 'unknown' };
    const usage = 'gen_ai.client.inference.usage';
    this.#measure(`${usage}.input_tokens`, isCounted ? inputTokens : 0, counted);
    this.#measure(`${usage}.output_tokens`, isCounted ? outputTokens : 0, counted);
    if (!isCounted) return;
    if (cachedTokens > 0) this.#measure(`${usage}.cache_read.input_tokens`, cachedTokens, counted);
    if (reasoningTokens > 0)
      this.#measure(`${usage}.reasoning.output_tokens`, reasoningTokens, counted);
    const operation = 'gen_ai.client.inference.operation';
    this.#measure(`${operation}.input_tokens`, inputTokens, attributes);
    this.#measure(`${operation}.output_tokens`, outputTokens, attributes);
  }

  #measureTurn(
    { model, firstTokenMs, durationMs, outputTokens }: Outcome['message'],
    calls: readonly LedgerEntry[],
    failure: string | undefined,
  ): void {
    const agent = {
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.agent.name': 'parley',
      'error.type': failure,
    };
    this.#measure('gen_ai.invoke_agent.duration', (Date.now() - this.#begunAt) / 1000, agent);
    this.#measure('gen_ai.invoke_agent.inference_calls', calls.length, agent);
    this.#measure('gen_ai.invoke_agent.tool_calls', this.#toolCalls, agent);
    const operation = { 'gen_ai.operation.name': 'chat', ...modelAttributes(model ?? '') };
    const chat = { ...operation, 'error.type': failure };
    if (durationMs !== null)
      this.#measure('gen_ai.server.request.duration', durationMs / 1000, chat);
    if (firstTokenMs === null) return;
    this.#measure('gen_ai.server.time_to_first_token', firstTokenMs / 1000, chat);
    if (durationMs === null || !outputTokens || outputTokens < 2) return;
    const each = (durationMs - firstTokenMs) / 1000 / (outputTokens - 1);
    this.#measure('gen_ai.server.time_per_output_token', each, chat);
  }

  #measure(...measured: Parameters<Telemetry['measure']>): void {
    this.#telemetry.measure(...measured);
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
  origin?.telemetry
    .begin({
      ...{ name: 'fetch_response', kind: 'internal' },
      ...{ parent: origin.parent, startedAt: origin.begunAt },
      attributes: {
        'gen_ai.operation.name': 'fetch_response',
        'gen_ai.conversation.id': conversationId,
      },
    })
    .end();
}

function resultAttributes({ finish, usage, firstOutputAt }: ToldResult, begunAt: number) {
  return {
    'gen_ai.response.finish_reasons': finish === undefined ? undefined : [finish],
    'gen_ai.response.time_to_first_chunk':
      firstOutputAt === undefined ? undefined : (firstOutputAt - begunAt) / 1000,
    'gen_ai.usage.input_tokens': usage?.inputTokens.total,
    'gen_ai.usage.output_tokens': usage?.outputTokens.total,
    'gen_ai.usage.cache_read.input_tokens': usage?.inputTokens.cacheRead,
    'gen_ai.usage.reasoning.output_tokens': usage?.outputTokens.reasoning,
  };
}

function errorOf(step: ToldResult): string | undefined {
  if (step.late) return 'timeout';
  return step.error === undefined ? undefined : errorTypeOf(step.error);
}

function secondsSince(begunAt: number): number {
  return (performance.now() - begunAt) / 1000;
}
