/** Native server-sent events: named events, each with a cursor as its id and one line of JSON. */
import { terminalEvent } from '../core/message.ts';
import { DONE, EVENT_STREAM_HEADERS } from './sse.ts';
import type { Encoder, Wire } from './wire.ts';
import { endedView, refusedView, shownPart, startedView } from './views.ts';

const LAST_EVENT = `event: done\ndata: ${DONE}\n\n`;

export const nativeSse: Wire = {
  name: 'native',
  headers: EVENT_STREAM_HEADERS,
  isEventStream: true,
  isStateless: true,
  encoder: nativeEncoder,
};

function nativeEncoder(): Encoder {
  return {
    initialId: (cursor) => `id: ${cursor}\n\n`,
    started: (head, cursor) => event('turn.started', startedView(head), cursor),
    text(delta, start, position) {
      const cursor = position.at(start + delta.length);
      return `id: ${cursor}\nevent: message.delta\ndata: {"text":${JSON.stringify(delta)}}\n\n`;
    },
    reasoning: (delta, cursor) => event('reasoning.delta', { text: delta }, cursor),
    part(part, cursor) {
      const { type, ...data } = shownPart(part);
      return event(type.replace('_', '.'), data, cursor);
    },
    ended(head, outcome, cursor) {
      const name = terminalEvent(outcome.message.status);
      return event(name, endedView(head, outcome), cursor) + LAST_EVENT;
    },
    keepAlive: () => ': keep-alive\n\n',
    refused: ({ turnId }, failure) =>
      `event: turn.failed\ndata: ${JSON.stringify(refusedView(turnId, failure))}\n\n${LAST_EVENT}`,
  };
}

function event(name: string, data: unknown, cursor: string): string {
  return `id: ${cursor}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
