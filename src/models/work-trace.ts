/**
 * Tells those who watch of what is done for a request or a turn: its steps, each in a span of its
 * own, and its calls of embedding services.
 */
import {
  errorTypeOf,
  withError,
  type Attributes,
  type MetricName,
  type Span,
  type SpanPlace,
  type Telemetry,
} from '../core/telemetry.ts';
import type { EmbeddingCall } from './embeddings/registry.ts';

/** The names that the conventions have for our providers. */
const PROVIDERS: Readonly<Record<string, string>> = { google: 'gcp.gemini' };

/** A kind of step, and what is measured of it besides; none of it says what was asked or found. */
export interface Step {
  name: string;
  attributes?: Attributes;
  /** The measure of how long it took, with its attributes. */
  measured?: [metric: MetricName, attributes: Attributes];
}

/** A step that has begun. */
export class Begun {
  readonly #telemetry: Telemetry;
  readonly #span: Span;
  readonly #measured: Step['measured'];

  constructor(telemetry: Telemetry, span: Span, measured: Step['measured']) {
    this.#telemetry = telemetry;
    this.#span = span;
    this.#measured = measured;
  }

  /** The trace that its parts are told to. */
  get below(): WorkTrace {
    return new WorkTrace(this.#telemetry, this.#span);
  }

  /** Ends it. @param error why it failed; left out for what went well */
  end(error?: unknown): void {
    const errorType = error === undefined ? undefined : errorTypeOf(error);
    const seconds = this.#span.end(errorType);
    if (!this.#measured) return;
    const [metric, known] = this.#measured;
    this.#telemetry.measure(metric, seconds, withError(known, errorType));
  }
}

export const INGEST: Step = {
  name: 'ingest',
  measured: ['parley.ingest.duration', {}],
};

/** Returns the step of a search. @param k the most passages that it finds */
export function retrievalOf(k: number | undefined): Step {
  const operation = { 'gen_ai.operation.name': 'retrieval', 'gen_ai.provider.name': 'parley' };
  return {
    name: 'retrieval',
    attributes: { ...operation, 'gen_ai.data_source.id': 'documents', 'gen_ai.request.top_k': k },
    measured: ['gen_ai.client.operation.duration', operation],
  };
}

export class WorkTrace {
  readonly #telemetry: Telemetry;
  readonly #parent: SpanPlace;

  /** @param parent the span that the work is part of */
  constructor(telemetry: Telemetry, parent: SpanPlace) {
    this.#telemetry = telemetry;
    this.#parent = parent;
  }

  /** Begins a step in a span of its own. */
  begin({ name, attributes, measured }: Step): Begun {
    const parent = this.#parent;
    const span = this.#telemetry.begin({ name, kind: 'internal', parent, attributes });
    return new Begun(this.#telemetry, span, measured);
  }

  /**
   * Runs a step in a span of its own.
   * @param run is given where its parts are told of
   */
  async step<Result>(step: Step, run: (below: WorkTrace) => Promise<Result>): Promise<Result> {
    const begun = this.begin(step);
    try {
      const result = await run(begun.below);
      begun.end();
      return result;
    } catch (error) {
      begun.end(error);
      throw error;
    }
  }

  /** Tells of a call of an embedding service, which is over. */
  embedded(call: EmbeddingCall): void {
    const { inputTokens, errorType, startedAt, durationMs } = call;
    const operation = { 'gen_ai.operation.name': 'embeddings' };
    const attributes = { ...operation, ...modelAttributes(call.model), ...call.address };
    const [kind, parent] = ['client', this.#parent] as const;
    const name = `embeddings ${modelIdOf(call.model)}`;
    const span = this.#telemetry.begin({ name, kind, parent, startedAt, attributes });
    span.set({
      'gen_ai.embeddings.dimension.count': call.dimension,
      'gen_ai.usage.input_tokens': errorType === undefined ? inputTokens : undefined,
    });
    span.end(errorType);
    const measured = withError(attributes, errorType);
    this.measure('gen_ai.client.operation.duration', durationMs / 1000, measured);
    if (errorType !== undefined) return;
    const counted = { ...attributes, 'gen_ai.token.modality': 'text' };
    this.measure('gen_ai.client.inference.usage.input_tokens', inputTokens, counted);
    this.measure('gen_ai.client.inference.operation.input_tokens', inputTokens, attributes);
  }

  measure(name: MetricName, value: number, attributes: Attributes): void {
    this.#telemetry.measure(name, value, attributes);
  }
}

/** The attributes of a model, frozen. */
interface ModelAttributes {
  model: Attributes;
  chat: Attributes;
}

/** The attributes of models by their names: each turn tells of its model several times. */
const known = new Map<string, ModelAttributes>();
/** The most models that are known; clients choose their names. */
const MOST_MODELS = 100;

/** Returns the provider of a `provider/model`, and the model, frozen. */
export function modelAttributes(name: string): Attributes {
  return knownOf(name).model;
}

/** Returns the same for an answer of the model. */
export function chatAttributes(name: string): Attributes {
  return knownOf(name).chat;
}

function knownOf(name: string): ModelAttributes {
  const found = known.get(name);
  if (found) return found;
  const provider = name.slice(0, name.indexOf('/'));
  const model = Object.freeze({
    'gen_ai.provider.name': PROVIDERS[provider] ?? provider,
    'gen_ai.request.model': modelIdOf(name),
  });
  const made = { model, chat: Object.freeze({ ...CHAT, ...model }) };
  if (known.size < MOST_MODELS) known.set(name, made);
  return made;
}

const CHAT = { 'gen_ai.operation.name': 'chat' };

/** Returns the model of a `provider/model`. */
export function modelIdOf(name: string): string {
  return name.slice(name.indexOf('/') + 1);
}
