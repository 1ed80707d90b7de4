/**
 * All wires by name. To add one, write a file like `native-sse.ts` and list it here; a wire with a
 * parameter has it in its name.
 */
import { agUiWireNamed } from './ag-ui.ts';
import { anthropicMessages } from './anthropic-messages.ts';
import { completionChunks, completionChunksWithUsage } from './chat-completion.ts';
import { durableBatches, durableSse } from './durable-stream.ts';
import { mcpWireNamed } from './mcp-answer.ts';
import { nativeSse } from './native-sse.ts';
import { responseWireNamed } from './responses/events.ts';
import { textSse } from './text-sse.ts';
import { uiMessageStream } from './ui-message-stream.ts';
import { websocketFrames } from './websocket-frames.ts';
import type { Wire } from './wire.ts';

const WIRES: readonly Wire[] = [
  nativeSse,
  textSse,
  websocketFrames,
  uiMessageStream,
  completionChunks,
  completionChunksWithUsage,
  anthropicMessages,
  durableSse,
  durableBatches,
];

/**
 * Returns the wire with this name, for a name that another instance of the product sent.
 * @throws TypeError when there is none
 */
export function wireNamed(name: string): Wire {
  const wire =
    WIRES.find((candidate) => candidate.name === name) ??
    responseWireNamed(name) ??
    agUiWireNamed(name) ??
    mcpWireNamed(name);
  if (!wire) throw new TypeError(`there is no wire named ${name}`);
  return wire;
}
