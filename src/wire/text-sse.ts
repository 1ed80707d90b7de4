/**
 * Text-only server-sent events: the answer's text and nothing else, for clients that only use
 * `onmessage`.
 */
import { terminalEvent } from '../core/message.ts';
import { DONE, EVENT_STREAM_HEADERS, eventLines, withoutSplitBreak } from './sse.ts';
import type { Encoder, Wire } from './wire.ts';
import { endedView, refusedView } from './views.ts';

const LAST_EVENT = `data: ${DONE}\n\n`;

export const textSse: Wire = {
  name: 'text',
  headers: EVENT_STREAM_HEADERS,
  isEventStream: true,
  isStateless: true,
  encoder: textEncoder,
};

function textEncoder(): Encoder {
  return {
    initialId: (cursor) => `id: ${cursor}\n\n`,
    started: () => '',
    text(delta, start, position) {
      const lines = withoutSplitBreak(delta, position.before(start));
      // Clients read this text as the end, so an answer that contains it sends it in two events.
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
    part(part, cursor) {
      // Its reader sees nothing of tools, but has to know what it is asked, and what joined.
      if (part.type !== 'tool_approval' && part.type !== 'steered') return '';
      const { type, ...data } = part;
      return `id: ${cursor}\nevent: ${type.replace('_', '.')}\ndata: ${JSON.stringify(data)}\n\n`;
    },
    ended(head, outcome, cursor) {
      const name = terminalEvent(outcome.message.status);
      if (name === 'turn.completed') return message(DONE, cursor);
      const data = JSON.stringify(endedView(head, outcome));
      return `id: ${cursor}\nevent: ${name}\ndata: ${data}\n\n${LAST_EVENT}`;
    },
    keepAlive: () => ': keep-alive\n\n',
    refused: ({ turnId }, failure) =>
      `event: turn.failed\ndata: ${JSON.stringify(refusedView(turnId, failure))}\n\n${LAST_EVENT}`,
  };
}

function message(text: string, cursor: string): string {
  return `id: ${cursor}\ndata: ${eventLines(text)}\n\n`;
}
