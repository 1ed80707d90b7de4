/** The prose of the page on the protocol, which no schema can give. */

export const INTRODUCTION = `# The protocol

This page is made by \`npm run docs:protocol\` from schemas of the events and frames.
\`/openapi.json\` describes the calls themselves.`;

export const STREAMS = `## The events of a turn

A call that makes the assistant answer streams with \`Accept: text/event-stream\` or
\`"stream": true\`. Each event has a name, an \`id\` and one line of JSON; lines that begin with a
colon are keep-alive comments. \`turn.started\` comes first. Exactly one of \`turn.completed\`,
\`turn.cancelled\` and \`turn.failed\` ends the turn, after it is stored. \`event: done\` with the
literal data \`[DONE]\` is always last, and has no \`id\`. Clients ignore events and fields that they
do not know.

The \`id\` is a cursor: opaque, and good on any instance at any later time. Send it as
\`Last-Event-ID\`, or as \`last_event_id\` in the query of a GET, and the stream goes on after it.
Nothing left is a 204; a cursor that is garbled or of another turn is a 400. A POST that comes back
with a cursor starts no turn. \`GET /turns/{id}/events\` follows any turn; \`GET /streams/turns/{id}\`
is its text for clients of Durable Streams.

\`EventSource\` does not show a 4xx or 5xx: it fires \`error\` without a status and stops for good.
To see why, send the same request by \`fetch\`. A 204 ends its reconnecting too. A reconnect that
cannot be served now is answered by 200, \`retry:\` and the end of the stream, after which the
browser comes again.`;

export const STEERING = `## Messages that come while a turn runs

With \`"on_busy": "steer"\` a message is stored with the running turn at once. It joins at the next
step of that turn, after the results of its tools: the event \`steered\` says so to every reader. When
no step is left, or the turn is cancelled or fails, a turn right after it answers the message; the
end of the one and the beginning of the other are one write. Further messages that wait then join
that turn. If the server dies before, the message is kept as a question whose turn was interrupted.

The answer to such a request is the turn that answers its message, from its beginning, whichever it
is; the head comes at once and comments follow until that is known. \`X-Turn-Id\` names the turn that
the message was stored with, \`turn.started\` the turn that answers. A WebSocket that is being sent
that turn already is not sent it again. \`model\` and the other fields say how a turn of its own is
to be answered; a message that joins is answered as the running turn is. Whoever only wants to say
something may leave: the message stays. Twenty may wait; then it is a 429 \`queue_full\`. A message
with \`parent_message_id\`, results or approvals, an edit and a regeneration cannot steer: while a
turn runs they are refused as without \`on_busy\`.`;

export const TEXT_STREAM = `## The text-only stream

\`GET /chat/conversations/{id}/stream\` sends events without a name, whose data are the text; a line
break in it is several \`data:\` lines. A call that needs to be allowed is told by
\`tool.approval\`, and a message that joined by \`steered\`, as above. A turn that does not complete
ends with \`turn.cancelled\` or \`turn.failed\`. \`data: [DONE]\` is always last. An answer that is
itself \`[DONE]\` comes in two events.`;

export const SOCKET = `## The frames of a WebSocket

\`ws://…/ws/{user_id}\` takes and sends JSON objects. A client sends
\`{"message": "…", "conversation_id": "…"}\`; without \`conversation_id\` the message begins a
conversation. \`"type": "regenerate"\` and \`"edit"\` name a message by \`message_id\`. All other
fields of a POST, such as \`model\`, \`on_busy\`, \`tools\` and \`tool_results\`, mean what they mean
there. The server's frames have a \`type\`:`;

export const READING = `## Paging, repeats, defaults and limits

- Lists take \`limit\` (1 to 200, 50 by default) and \`cursor\`. The header
  \`Link: <…>; rel="next"\` names the next page while there is one. Conversations and documents come
  newest first, messages oldest first.
- The same \`Idempotency-Key\` with the same request gives what the first gave; with another request
  it is a 409. A turn that failed replays its failure. Refusals of ours are not remembered.
- \`on_busy\` is \`reject\` by default, \`on_disconnect\` is \`continue\`.
- Every answer has \`X-Request-Id\`; an answer of a turn has \`X-Turn-Id\` and \`X-Conversation-Id\`.`;
