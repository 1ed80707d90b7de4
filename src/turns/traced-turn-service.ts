/** Tells the turns that a request starts or follows which request that was. */
import type { Span } from '../core/telemetry.ts';
import type { StreamOptions, TurnRequest, TurnService } from './turn-service.ts';

/** Returns a service that passes on the span of a request with each call. */
export function tracedTurns(turns: TurnService, traceparent: Span): TurnService {
  const asked = (request: TurnRequest) => ({ ...request, traceparent });
  const read = (options: StreamOptions) => ({ ...options, traceparent });
  return {
    start: (request, options, asker) => turns.start(asked(request), options, asker),
    run: (request, onDisconnect, asker) => turns.run(asked(request), onDisconnect, asker),
    recall: (end, asked) => turns.recall(end, asked),
    holds: (turnId) => turns.holds(turnId),
    follow: (turn, options, cursor, found) => turns.follow(turn, read(options), cursor, found),
    wait: (turn, onDisconnect) => turns.wait(turn, onDisconnect),
    cancel: (turn) => turns.cancel(turn),
    close: (conversationId) => turns.close(conversationId),
  };
}
