/** The place of a span: its ids, those of the span that it is part of, and whether it is sent. */
import { ROOT_CONTEXT, TraceFlags } from '@opentelemetry/api';
import { SamplingDecision, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace';
import type { SpanPlace, SpanStart } from '../../core/telemetry.ts';
import { Id } from './id.ts';
import type { Place } from './sent-span.ts';
import type { TelemetrySettings } from './settings.ts';

/** Decides whether a span is sent. */
type Sampler = (trace: Id, parent: SpanPlace | undefined) => boolean;

/** Returns the sampler of the settings. */
export function samplerOf({ sampler, ratio, tracesUrl }: TelemetrySettings): Sampler {
  // Spans that are sent nowhere need not be made.
  if (tracesUrl === undefined) return () => false;
  const [, isByParent, name] = /^(parentbased_)?(.*)$/.exec(sampler) ?? [];
  const root = rootSampler(name, ratio);
  if (isByParent === undefined) return root;
  return (trace, parent) => (parent ? isSampled(parent) : root(trace));
}

function rootSampler(name: string | undefined, ratio: number): (trace: Id) => boolean {
  if (name === 'always_off') return () => false;
  if (name !== 'traceidratio') return () => true;
  const byRatio = new TraceIdRatioBasedSampler(ratio);
  return ({ digits }) =>
    byRatio.shouldSample(ROOT_CONTEXT, digits).decision === SamplingDecision.RECORD_AND_SAMPLED;
}

/** Returns the place of the span that a new one is part of; undefined for a root. */
export function placeAbove({ parent, kind }: SpanStart): Place | undefined {
  // What a client has sent is the parent of what serves it, and of nothing else.
  if (typeof parent === 'string') return placeFrom(parent, kind === 'server');
  // Each span was begun here, with ids of ours.
  return parent as Place | undefined;
}

/** Reads a `traceparent`, which was checked or is our own; of its flags the one that we know. */
export function placeFrom(traceparent: string, isRemote: boolean): Place {
  const isOdd = '13579bdf'.includes(traceparent.charAt(54));
  const [traceId, spanId] = [traceparent.slice(3, 35), traceparent.slice(36, 52)];
  const traceFlags = isOdd ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return { traceId, spanId, trace: Id.from(traceId), id: Id.from(spanId), traceFlags, isRemote };
}

/** Returns true for a span that is sent. */
export function isSampled({ traceFlags }: SpanPlace): boolean {
  return (traceFlags & TraceFlags.SAMPLED) !== 0;
}
