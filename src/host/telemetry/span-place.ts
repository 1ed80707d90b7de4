/** The place of a span: its ids, those of the span that it is part of, and whether it is sent. */
import { ROOT_CONTEXT, TraceFlags, type SpanContext } from '@opentelemetry/api';
import { SamplingDecision, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace';
import { newHex } from '../../core/ids.ts';
import type { TelemetrySettings } from './settings.ts';

/** Decides whether a span is sent. */
type Sampler = (traceId: string, parent: SpanContext | undefined) => boolean;

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

/** Returns the ids of a new span. @param parent undefined for the first of a trace */
export function newPlace(parent: SpanContext | undefined, samples: Sampler): SpanContext {
  const traceId = parent?.traceId ?? newHex(16);
  const traceFlags = samples(traceId, parent) ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return { traceId, spanId: newHex(8), traceFlags };
}

/**
 * Reads a `traceparent`, which was checked or is our own.
 * @param isRemote true for one that a client has sent
 */
export function placeFrom(traceparent: string, isRemote: boolean): SpanContext {
  return {
    traceId: traceparent.slice(3, 35),
    spanId: traceparent.slice(36, 52),
    traceFlags: Number.parseInt(traceparent.slice(53), 16),
    isRemote,
  };
}

/** Returns true for a span that is sent. */
export function isSampled({ traceFlags }: SpanContext): boolean {
  return (traceFlags & TraceFlags.SAMPLED) !== 0;
}
