import type { Encoder, WireName } from './wire.ts';
import { framesEncoder } from './websocket-frames.ts';
import { nativeEncoder } from './native-sse.ts';
import { outcomeEncoder } from './outcome.ts';
import { textEncoder } from './text-sse.ts';

const ENCODERS: Record<WireName, () => Encoder> = {
  native: nativeEncoder,
  text: textEncoder,
  frames: framesEncoder,
  outcome: outcomeEncoder,
};

/** A new encoder, for one reader: some remember what they have told. */
export function encoderFor(wire: WireName): Encoder {
  return ENCODERS[wire]();
}

/** True for the wires that are a stream of server-sent events. */
export function isEventStream(wire: WireName): boolean {
  return wire === 'native' || wire === 'text';
}

/** Headers of every event stream: nothing on the way may hold it back, change it or keep it. */
export const EVENT_STREAM_HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-cache, no-transform',
  'X-Accel-Buffering': 'no',
} as const;
