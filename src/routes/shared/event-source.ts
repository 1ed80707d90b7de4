/**
 * The GET routes for `EventSource`: the first call starts a turn, and a reconnect continues after
 * its cursor.
 */
import { startTurn } from '../../actions/start-turn.ts';
import { messageInput } from '../../actions/turn-input.ts';
import { invalid } from '../../core/errors.ts';
import { userIdOf } from '../../core/principal.ts';
import type { Wire } from '../../wire/wire.ts';
import { streamOptions } from './answer-turn.ts';
import { actionContext, type AppContext } from './dependencies.ts';
import { idempotencyKey } from './idempotency-key.ts';
import type { StreamQuery } from './schemas.ts';
import { headOfStream, lastEventId, reconnect, serveReconnect, streamTurn } from './stream-turn.ts';

/** Answers an event source. */
export async function answerEventSource(
  c: AppContext,
  { conversationId, query, wire }: { conversationId: string; query: StreamQuery; wire: Wire },
): Promise<Response> {
  if (c.req.method === 'HEAD') return headOfStream(wire);
  // A client that is cut off before the first event would reconnect without a cursor, so an id is
  // sent at once.
  const options = streamOptions(wire, query, true);
  const cursor = lastEventId(c);
  if (cursor !== undefined)
    return serveReconnect(wire, () => reconnect(c, { conversationId, cursor, options }));
  if ((query.message ?? query.content) === undefined)
    throw invalid('message', 'message (or content) is required');
  const scope = userIdOf(c.get('principal')) ?? conversationId;
  const ask = {
    conversationId,
    input: messageInput(query),
    model: query.model,
    onBusy: query.on_busy,
    joinSameText: true,
    idempotency: await idempotencyKey(c, { scope, fallback: query.idempotency_key }),
  };
  return streamTurn(c, await startTurn(actionContext(c), ask, options), wire);
}
