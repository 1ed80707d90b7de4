/** Text-only server-sent events: what the answer says and nothing else, for clients that only know `onmessage`. */
import { terminalEvent } from '../core/message.ts';
import { DONE, EVENT_STREAM_HEADERS } from './sse.ts';
import type { Encoder, Wire } from './wire.ts';
import { endedView, refusedView } from './views.ts';

const CARRIAGE_RETURN = 13;

export const textSse: Wire = {
  name: 'text',
  headers: EVENT_STREAM_HEADERS,
  isEventStream: true,
  encoder: textEncoder,
};

function textEncoder(): Encoder {
  return {
    initialId: (cursor) => `id: ${cursor}\n\n`,
    started: () => '',
    text(delta, start, position) {
      const lines = delta.startsWith('\n')
        ? withoutSplitBreak(delta, position.before(start))
        : delta;
      // Its meaning is the end: as part of an answer it must not arrive as one event.
      const end = start + delta.length;
      if (lines === DONE) {
        const half = DONE.length >> 1;
        return (
          message(lines.slice(0, -half), position.at(end - half)) +
          message(lines.slice(-half), position.at(end))
        );
      }
      return lines === '' ? '' : message(lines, position.at(end));
    },
    reasoning: () => '',
    part: () => '',
    ended(head, outcome, cursor) {
      const name = terminalEvent(outcome.message.status);
      if (name === 'turn.completed') return message(DONE, cursor);
      return `id: ${cursor}\nevent: ${name}\ndata: ${JSON.stringify(endedView(head, outcome))}\n\ndata: ${DONE}\n\n`;
    },
    keepAlive: () => ': keep-alive\n\n',
    refused: ({ turnId }, failure) =>
      `event: turn.failed\ndata: ${JSON.stringify(refusedView(turnId, failure))}\n\ndata: ${DONE}\n\n`,
  };
}

/** A `\r\n` that two deltas share is one line break, already sent with its `\r`. */
function withoutSplitBreak(delta: string, before: number): string {
  return before === CARRIAGE_RETURN ? delta.slice(1) : delta;
}

/** Several `data:` lines are how the standard carries a line break. */
function message(text: string, cursor: string): string {
  return `id: ${cursor}\ndata: ${text.replace(/\r\n|[\r\n]/g, '\ndata: ')}\n\n`;
}
