/**
 * Tells of a turn: a span for the turn with those of its steps below it, by the names of
 * OpenTelemetry's conventions for generative AI, and the measures of all of them. All of this runs
 * later, for many turns at once.
 */
import type { LedgerEntry } from '../../core/ledger.ts';
import type { Message, TurnHead } from '../../core/message.ts';
import {
  withError,
  type Attributes,
  type MetricName,
  type Span,
  type Telemetry,
} from '../../core/telemetry.ts';
import { callAttributes, type AnsweredBy, type Modality } from '../../models/call-attributes.ts';
import type { ChatModel } from '../../models/chat/registry.ts';
import { chatAttributes, modelAttributes, modelIdOf } from '../../models/work-trace.ts';
import type { StepResult } from './model-step.ts';

/** The part of what a model was asked that may be told. */
export interface AskedOfModel {
  model: ChatModel;
  parameters: Attributes;
  /** The kind of what the model reads. */
  modality: Modality;
}

/** A call that is over. All times are in milliseconds by this process's monotonic clock. */
interface EndedCall
  extends AskedOfModel, Pick<StepResult, 'finish' | 'usage' | 'firstOutputAt' | 'responder'> {
  span: Span;
  endedAt: number;
  /** The kind of its error; undefined for what went well. */
  failure: string | undefined;
}

type ToldMessage = Pick<
  Message,
  | ('status' | 'model' | 'finishReason' | 'firstTokenMs' | 'durationMs')
  | ('inputTokens' | 'outputTokens')
>;

/** A turn that is over. */
interface EndedTurn extends ToldMessage {
  storingAt: number;
  storedAt: number;
  endedAt: number;
  failure: string | undefined;
  calls: readonly LedgerEntry[];
  /** The number of calls of our tools. */
  toolCalls: number;
}

const USAGE = 'gen_ai.client.inference.usage';

export class TurnTeller {
  readonly #telemetry: Telemetry;
  readonly #span: Span;
  readonly #head: Pick<TurnHead, 'conversationId' | 'turnId' | 'model'>;
  /** The calls, for what is counted when the turn has ended. */
  readonly #calls: { model: string; by: AnsweredBy; modality: Modality }[] = [];

  /** @param span the one of the turn */
  constructor(telemetry: Telemetry, span: Span, head: TurnHead) {
    this.#telemetry = telemetry;
    this.#span = span;
    // The rest of the head has a text.
    const { conversationId, turnId, model } = head;
    this.#head = { conversationId, turnId, model };
  }

  /** Tells that the turn was accepted. */
  accepted(acceptedAt: number): void {
    this.#step('accept', this.#span.begunAt, acceptedAt);
  }

  #step(name: string, begunAt: number, endedAt: number): void {
    const [kind, parent] = ['internal', this.#span] as const;
    this.#telemetry.begin({ name, kind, parent, begunAt }).end(undefined, endedAt);
  }

  /** Tells of a call of a model. */
  called(call: EndedCall): void {
    const { span, model, modality, failure, usage, firstOutputAt, responder } = call;
    const known = callAttributes(model);
    span.rename(known.spanName);
    span.set(known.asked);
    span.set(call.parameters);
    span.set(resultAttributes(call));
    const seconds = span.end(failure, call.endedAt);
    const by = known.answeredBy(responder?.modelId);
    this.#calls.push({ model: model.name, by, modality });
    const measured = withError(by.call, failure);
    this.#measure('gen_ai.client.operation.duration', seconds, measured);
    const written = usage?.inputTokens.cacheWrite;
    if (written) this.#measure(`${USAGE}.cache_write.input_tokens`, written, by.tokens[modality]);
    if (firstOutputAt === undefined) return;
    const firstAfter = (firstOutputAt - span.begunAt) / 1000;
    this.#measure('gen_ai.client.operation.time_to_first_chunk', firstAfter, measured);
  }

  /** Tells what became of the turn. */
  ended(turn: EndedTurn): void {
    const { model, finishReason, inputTokens, outputTokens, failure, calls } = turn;
    this.#step('store', turn.storingAt, turn.storedAt);
    const { conversationId, turnId, model: asked } = this.#head;
    this.#span.set(modelAttributes(asked));
    this.#span.set({
      'gen_ai.conversation.id': conversationId,
      'parley.turn.id': turnId,
      'parley.turn.status': turn.status,
      'gen_ai.response.model': model ? modelIdOf(model) : undefined,
      'gen_ai.response.finish_reasons': finishReason ? [finishReason] : undefined,
      'gen_ai.usage.input_tokens': inputTokens ?? undefined,
      'gen_ai.usage.output_tokens': outputTokens ?? undefined,
    });
    const seconds = this.#span.end(failure, turn.endedAt);
    for (const call of calls) if (call.kind !== 'embedding') this.#measureCall(call);
    const agent = withError(AGENT, failure);
    this.#measure('gen_ai.invoke_agent.duration', seconds, agent);
    this.#measure('gen_ai.invoke_agent.inference_calls', calls.length, agent);
    this.#measure('gen_ai.invoke_agent.tool_calls', turn.toolCalls, agent);
    this.#measureAnswer(turn);
  }

  /**
   * The tokens of a call as its service counted them. A call without counts is told as none of an
   * unknown kind, though the ledger estimates it; calls for vectors are told when they are made.
   */
  #measureCall(entry: LedgerEntry): void {
    const call = this.#calls.findLast(({ model }) => model === entry.model);
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

  #measureAnswer({ model, firstTokenMs, durationMs, outputTokens, failure }: EndedTurn): void {
    const chat = withError(chatAttributes(model ?? ''), failure);
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

function resultAttributes({
  span,
  finish,
  usage,
  firstOutputAt,
  responder,
}: EndedCall): Attributes {
  return {
    'gen_ai.response.id': responder?.id,
    'gen_ai.response.model': responder?.modelId,
    'gen_ai.response.finish_reasons': finish === undefined ? undefined : [finish],
    'gen_ai.response.time_to_first_chunk':
      firstOutputAt === undefined ? undefined : (firstOutputAt - span.begunAt) / 1000,
    'gen_ai.usage.input_tokens': usage?.inputTokens.total,
    'gen_ai.usage.output_tokens': usage?.outputTokens.total,
    'gen_ai.usage.cache_read.input_tokens': usage?.inputTokens.cacheRead,
    'gen_ai.usage.cache_creation.input_tokens': usage?.inputTokens.cacheWrite,
    'gen_ai.usage.reasoning.output_tokens': usage?.outputTokens.reasoning,
  };
}

export const AGENT = Object.freeze({
  'gen_ai.operation.name': 'invoke_agent',
  'gen_ai.agent.name': 'parley',
});
