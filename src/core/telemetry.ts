/**
 * The interface to those who watch a server: spans of what it does, and measures of how it does. It
 * is told only where the operator wants it (OTEL_…), and holds ids, numbers and codes: no texts of
 * users or models, and no credentials. Measures have no ids at all.
 */

/** Attributes of a span or a measure; those that are undefined are left out. */
export type Attributes = Readonly<Record<string, string | number | boolean | string[] | undefined>>;

/** Returns attributes with why something failed; the same attributes for what went well. */
export function withError(attributes: Attributes, errorType: string | undefined): Attributes {
  return errorType === undefined ? attributes : { ...attributes, 'error.type': errorType };
}

export interface SpanStart {
  name: string;
  /** The other side: a client, a service that we call, or nobody. */
  kind: 'server' | 'client' | 'internal';
  /**
   * The span that it is part of, or the `traceparent` (W3C Trace Context) of one that is elsewhere;
   * undefined for a root.
   */
  parent?: SpanPlace | string | undefined;
  attributes?: Attributes;
  /** Its beginning, in milliseconds since the epoch; now when it is left out. */
  startedAt?: number | undefined;
  /** The same by this process's monotonic clock, for what is told later than it begins. */
  begunAt?: number | undefined;
}

/** The place of a span in a trace. */
export interface SpanPlace {
  /** Hexadecimal digits. */
  readonly traceId: string;
  readonly spanId: string;
  /** The flags of a `traceparent`, which say whether it is sent. */
  readonly traceFlags: number;
  /** True for one that a client has sent. */
  readonly isRemote?: boolean;
}

export interface Span extends SpanPlace {
  /** Its beginning, in milliseconds by this process's monotonic clock. */
  readonly begunAt: number;
  /** Names the span for its parts elsewhere. */
  readonly traceparent: string;
  /** Returns its `traceparent`: that is what crosses a network. */
  toJSON(): string;
  /**
   * Adds attributes, of names that it has not yet. They are read later, so they must not change;
   * those that are frozen are recognised when they come again.
   */
  set(attributes: Attributes): void;
  /** Gives the span another name, where the right one is known later. */
  rename(name: string): void;
  /**
   * Ends the span.
   * @param errorType why it failed; undefined for what went well
   * @param endedAt its end, in milliseconds by this process's monotonic clock; now when it is left
   *   out
   * @returns how long it lasted, in seconds
   */
  end(errorType?: string, endedAt?: number): number;
}

export interface Telemetry {
  begin(start: SpanStart): Span;
  /** @param attributes are read later, so they must not change; as those of spans */
  measure(metric: MetricName, value: number, attributes: Attributes): void;
  /**
   * Tells something later, together with what is told of other turns: code that runs once in a turn
   * costs several times as much as the same code many times in a row. It is told in order, and
   * before anything is sent or read.
   * @param tell keeps little alive: no texts and nothing of a whole turn
   */
  later(tell: () => void): void;
  /**
   * Sends what was told, where nothing runs between two requests; elsewhere that is done at
   * intervals, and there is nothing to wait for.
   */
  settle(): Promise<void> | undefined;
  /** Sends what was told, at the end of a process. */
  close(): Promise<void>;
}

/** Seconds; those of the conventions for calls of models, which last from 10 ms to 80 s. */
const CALL_SECONDS = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
const REQUEST_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const TOKEN_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1];
const TOKENS = [1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576];
const CALLS = [0, 1, 2, 3, 4, 5, 8, 16, 32];

interface Metric {
  kind: 'histogram' | 'counter';
  unit: string;
  description: string;
  boundaries?: number[];
}

const seconds = (description: string, boundaries = CALL_SECONDS): Metric => ({
  ...{ kind: 'histogram', unit: 's', description, boundaries },
});
const tokens = (description: string): Metric => ({
  ...{ kind: 'counter', unit: '{token}', description },
});

/** The measures, by the names of OpenTelemetry's conventions for HTTP and for generative AI. */
export const METRICS = {
  'http.server.request.duration': seconds(
    'From the request to the head of its answer',
    REQUEST_SECONDS,
  ),
  'gen_ai.client.operation.duration': seconds('A call of a model'),
  'gen_ai.client.operation.time_to_first_chunk': seconds('To the first output of a call'),
  'gen_ai.client.inference.usage.input_tokens': tokens('Tokens that models read'),
  'gen_ai.client.inference.usage.output_tokens': tokens('Tokens that models wrote'),
  'gen_ai.client.inference.usage.cache_read.input_tokens': tokens('Of those read, from a cache'),
  'gen_ai.client.inference.usage.cache_write.input_tokens': tokens('Of those read, into a cache'),
  'gen_ai.client.inference.usage.reasoning.output_tokens': tokens('Of those written, thoughts'),
  'gen_ai.client.inference.operation.input_tokens': {
    ...{ kind: 'histogram', unit: '{token}', description: 'Tokens that a call read' },
    boundaries: TOKENS,
  },
  'gen_ai.client.inference.operation.output_tokens': {
    ...{ kind: 'histogram', unit: '{token}', description: 'Tokens that a call wrote' },
    boundaries: TOKENS,
  },
  'gen_ai.server.request.duration': seconds('A turn, as its client waits for it'),
  'gen_ai.server.time_to_first_token': seconds('To the first token of a turn'),
  'gen_ai.server.time_per_output_token': seconds('A token after the first', TOKEN_SECONDS),
  'gen_ai.invoke_agent.duration': seconds('A turn, from its acceptance to its stored end'),
  'gen_ai.invoke_agent.inference_calls': {
    ...{ kind: 'histogram', unit: '{call}', description: 'Calls of models in a turn' },
    boundaries: CALLS,
  },
  'gen_ai.invoke_agent.tool_calls': {
    ...{ kind: 'histogram', unit: '{call}', description: 'Calls of our tools in a turn' },
    boundaries: CALLS,
  },
  'gen_ai.execute_tool.duration': seconds('A call of one of our tools'),
  'parley.ingest.duration': seconds('An ingest of a document, from its text to its end'),
} as const satisfies Record<string, Metric>;
export type MetricName = keyof typeof METRICS;

/** Returns the kind of an error: a code of ours, a status, or the name of its class; no text. */
export function errorTypeOf(error: unknown): string {
  if (!(error instanceof Error)) return '_OTHER';
  if ('statusCode' in error && typeof error.statusCode === 'number') return `${error.statusCode}`;
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

/** Returns a `traceparent` that a client has sent, if it is one; anything else is passed over. */
export function knownTraceparent(text: string | undefined): string | undefined {
  const known = text !== undefined && /^00-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/;
  return known && known.test(text) ? text : undefined;
}
