/** Native server-sent events (CONTRACT: Streaming): named events, each with a cursor as its id and one line of JSON. */
import { terminalEvent } from '../core/message.ts';
import { DONE, EVENT_STREAM_HEADERS } from './sse.ts';
import type { Encoder, Wire } from './wire.ts';
import { endedView, refusedView, shownPart, startedView } from './views.ts';

export const nativeSse: Wire = {
  name: 'native',
  headers: EVENT_STREAM_HEADERS,
  isEventStream: true,
  encoder: nativeEncoder,
};

function nativeEncoder(): Encoder {
  return {
    initialId: (cursor) => `id: ${cursor}\n\n`,
    started: (head, cursor) => event('turn.started', startedView(head), cursor),
    text: (delta, start, position) =>
      `id: ${position.at(start + delta.length)}\nevent: message.delta\ndata: {"text":${JSON.stringify(delta)}}\n\n`,
    reasoning: (delta, cursor) => event('reasoning.delta', { text: delta }, cursor),
    part(part, cursor) {
      const { type, ...data } = shownPart(part);
      return event(type.replace('_', '.'), data, cursor);
    },
    ended: (head, outcome, cursor) =>
      `${event(terminalEvent(outcome.message.status), endedView(head, outcome), cursor)}event: done\ndata: ${DONE}\n\n`,
    keepAlive: () => ': keep-alive\n\n',
    refused: ({ turnId }, failure) =>
      `event: turn.failed\ndata: ${JSON.stringify(refusedView(turnId, failure))}\n\nevent: done\ndata: ${DONE}\n\n`,
  };
}

function event(name: string, data: unknown, cursor: string): string {
  return `id: ${cursor}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
