/** The place of a span: its ids, those of the span that it is part of, and whether it is sent. */
import { ROOT_CONTEXT, TraceFlags } from '@opentelemetry/api';
import { SamplingDecision, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace';
import type { SpanPlace, SpanStart } from '../../core/telemetry.ts';
import type { TelemetrySettings } from './settings.ts';

/** Decides whether a span is sent. */
type Sampler = (traceId: string, parent: SpanPlace | undefined) => boolean;

/** Returns the sampler of the settings. */
export function samplerOf({ sampler, ratio, tracesUrl }: TelemetrySettings): Sampler {
  // Spans that are sent nowhere need not be made.
  if (tracesUrl === undefined) return () => false;
  const [, isByParent, name] = /^(parentbased_)?(.*)$/.exec(sampler) ?? [];
  const root = rootSampler(name, ratio);
  if (isByParent === undefined) return root;
  return (traceId, parent) => (parent ? isSampled(parent) : root(traceId));
}

function rootSampler(name: string | undefined, ratio: number): (traceId: string) => boolean {
  if (name === 'always_off') return () => false;
  if (name !== 'traceidratio') return () => true;
  const byRatio = new TraceIdRatioBasedSampler(ratio);
  return (traceId) =>
    byRatio.shouldSample(ROOT_CONTEXT, traceId).decision === SamplingDecision.RECORD_AND_SAMPLED;
}

/** Returns the place of the span that a new one is part of; undefined for a root. */
export function placeAbove({ parent, kind }: SpanStart): SpanPlace | undefined {
  // What a client has sent is the parent of what serves it, and of nothing else.
  return typeof parent === 'string' ? placeFrom(parent, kind === 'server') : parent;
}

/** Reads a `traceparent`, which was checked or is our own; of its flags the one that we know. */
function placeFrom(traceparent: string, isRemote: boolean): SpanPlace {
  const isOdd = '13579bdf'.includes(traceparent.charAt(54));
  return {
    traceId: traceparent.slice(3, 35),
    spanId: traceparent.slice(36, 52),
    traceFlags: isOdd ? TraceFlags.SAMPLED : TraceFlags.NONE,
    isRemote,
  };
}

/** Returns true for a span that is sent. */
export function isSampled({ traceFlags }: SpanPlace): boolean {
  return (traceFlags & TraceFlags.SAMPLED) !== 0;
}
