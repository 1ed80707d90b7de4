/**
 * Tells of a turn to those who watch: a span for the turn with those of its steps below it, by the
 * names of OpenTelemetry's conventions for generative AI, and the measures of all of them. A turn
 * that nobody watches has none.
 */
import type { LedgerEntry } from '../../core/ledger.ts';
import type { Outcome, TurnHead } from '../../core/message.ts';
import {
  errorTypeOf,
  type Attributes,
  type MetricName,
  type Span,
  type SpanPlace,
  type Telemetry,
} from '../../core/telemetry.ts';
import type { ChatModel } from '../../models/chat/registry.ts';
import { callAttributes, type AnsweredBy, type Modality } from '../../models/call-attributes.ts';
import { chatAttributes, modelAttributes, modelIdOf, WorkTrace } from '../../models/work-trace.ts';
import type { StepResult } from './model-step.ts';

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

/** The part of a call that may be told. */
export interface ToldCall {
  parameters: Attributes;
  /** The kind of what the model reads. */
  modality: Modality;
}

const USAGE = 'gen_ai.client.inference.usage';

export class TurnTrace {
  readonly #telemetry: Telemetry;
  readonly #span: Span;
  /** Tells of the steps of the turn. */
  readonly work: WorkTrace;
  readonly #begunAt: number;
  #toolCalls = 0;
  /** The calls by the names of their models, for what is counted when the turn has ended. */
  readonly #calls = new Map<string, { by: AnsweredBy; modality: Modality }>();

  /** Begins the span of a turn that was accepted just now, and tells how long that took. */
  constructor({ telemetry, parent, begunAt }: TraceOrigin, head: TurnHead) {
    this.#telemetry = telemetry;
    this.#begunAt = begunAt;
    this.#span = telemetry.begin({
      name: 'invoke_agent parley',
      kind: 'internal',
      parent,
      attributes: AGENT,
      startedAt: begunAt,
    });
    this.#span.set(modelAttributes(head.model));
    this.#span.set({
      'gen_ai.conversation.id': head.conversationId,
      'parley.turn.id': head.turnId,
    });
    this.work = new WorkTrace(telemetry, this.#span);
    this.#begin('accept', 'internal', undefined, begunAt).end();
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
    const span = this.#begin(`execute_tool ${name}`, 'internal', {
      ...attributes,
      'gen_ai.tool.call.id': callId,
    });
    const result = await run();
    const error = failed(result) ? 'tool_error' : undefined;
    const seconds = span.end(error);
    const measured = { ...attributes, 'error.type': error };
    this.#telemetry.measure('gen_ai.execute_tool.duration', seconds, measured);
    return result;
  }

  /**
   * Runs a call of a model, which is told what it is part of.
   * @param run is given the headers that say so
   */
  async call<Result extends ToldResult>(
    model: ChatModel,
    { parameters, modality }: ToldCall,
    run: (headers: Record<string, string>) => Promise<Result>,
  ): Promise<Result> {
    const known = callAttributes(model);
    const span = this.#begin(known.spanName, 'client', known.asked);
    span.set(parameters);
    const step = await run({ traceparent: span.traceparent });
    const error = errorOf(step);
    span.set(resultAttributes(step, span.begunAt));
    const seconds = span.end(error);
    const by = known.answeredBy(step.responder?.modelId);
    this.#calls.set(model.name, { by, modality });
    const measured = error === undefined ? by.call : { ...by.call, 'error.type': error };
    this.#measure('gen_ai.client.operation.duration', seconds, measured);
    const written = step.usage?.inputTokens.cacheWrite;
    if (written) this.#measure(`${USAGE}.cache_write.input_tokens`, written, by.tokens[modality]);
    if (step.firstOutputAt === undefined) return step;
    const firstAfter = (step.firstOutputAt - span.begunAt) / 1000;
    this.#measure('gen_ai.client.operation.time_to_first_chunk', firstAfter, measured);
    return step;
  }

  /**
   * Ends the span of the turn with what became of it.
   * @returns when that was sent, where there is something to wait for
   */
  end({ message, error }: Outcome, calls: readonly LedgerEntry[]): Promise<void> | undefined {
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

  #begin(name: string, kind: 'internal' | 'client', attributes?: Attributes, startedAt?: number) {
    return this.#telemetry.begin({ name, kind, parent: this.#span, attributes, startedAt });
  }

  /**
   * The tokens of a call as its service counted them. A call without counts is told as none of an
   * unknown kind, though the ledger estimates it; calls for vectors are told when they are made.
   */
  #measureCall(entry: LedgerEntry): void {
    const call = this.#calls.get(entry.model);
    if (!call) return;
    const { inputTokens, outputTokens, cachedTokens, reasoningTokens } = entry;
    const isCounted = !entry.isEstimated && inputTokens > 0;
    const { tokens } = call.by;
    const read = isCounted ? tokens[call.modality] : tokens.unknown;
    const wrote = isCounted ? tokens.text : tokens.unknown;
    this.#measure(`${USAGE}.input_tokens`, isCounted ? inputTokens : 0, read);
    this.#measure(`${USAGE}.output_tokens`, isCounted ? outputTokens : 0, wrote);
    if (!isCounted) return;
    if (cachedTokens > 0) this.#measure(`${USAGE}.cache_read.input_tokens`, cachedTokens, read);
    if (reasoningTokens > 0)
      this.#measure(`${USAGE}.reasoning.output_tokens`, reasoningTokens, wrote);
    const operation = 'gen_ai.client.inference.operation';
    this.#measure(`${operation}.input_tokens`, inputTokens, call.by.call);
    this.#measure(`${operation}.output_tokens`, outputTokens, call.by.call);
  }

  #measureTurn(
    { model, firstTokenMs, durationMs, outputTokens }: Outcome['message'],
    calls: readonly LedgerEntry[],
    failure: string | undefined,
  ): void {
    const agent = failure === undefined ? AGENT : { ...AGENT, 'error.type': failure };
    this.#measure('gen_ai.invoke_agent.duration', (Date.now() - this.#begunAt) / 1000, agent);
    this.#measure('gen_ai.invoke_agent.inference_calls', calls.length, agent);
    this.#measure('gen_ai.invoke_agent.tool_calls', this.#toolCalls, agent);
    const operation = chatAttributes(model ?? '');
    const chat = failure === undefined ? operation : { ...operation, 'error.type': failure };
    if (durationMs !== null)
      this.#measure('gen_ai.server.request.duration', durationMs / 1000, chat);
    if (firstTokenMs === null) return;
    this.#measure('gen_ai.server.time_to_first_token', firstTokenMs / 1000, chat);
    if (durationMs === null || !outputTokens || outputTokens < 2) return;
    const each = (durationMs - firstTokenMs) / 1000 / (outputTokens - 1);
    this.#measure('gen_ai.server.time_per_output_token', each, chat);
  }

  #measure(metric: MetricName, value: number, attributes: Attributes): void {
    this.#telemetry.measure(metric, value, attributes);
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

function resultAttributes(
  { finish, usage, firstOutputAt, responder }: ToldResult,
  begunAt: number,
): Attributes {
  return {
    'gen_ai.response.id': responder?.id,
    'gen_ai.response.model': responder?.modelId,
    'gen_ai.response.finish_reasons': finish === undefined ? undefined : [finish],
    'gen_ai.response.time_to_first_chunk':
      firstOutputAt === undefined ? undefined : (firstOutputAt - begunAt) / 1000,
    'gen_ai.usage.input_tokens': usage?.inputTokens.total,
    'gen_ai.usage.output_tokens': usage?.outputTokens.total,
    'gen_ai.usage.cache_read.input_tokens': usage?.inputTokens.cacheRead,
    'gen_ai.usage.cache_creation.input_tokens': usage?.inputTokens.cacheWrite,
    'gen_ai.usage.reasoning.output_tokens': usage?.outputTokens.reasoning,
  };
}

const AGENT = Object.freeze({
  'gen_ai.operation.name': 'invoke_agent',
  'gen_ai.agent.name': 'parley',
});

function errorOf(step: ToldResult): string | undefined {
  if (step.late) return 'timeout';
  return step.error === undefined ? undefined : errorTypeOf(step.error);
}
