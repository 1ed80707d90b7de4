/** Tells the turns that a request starts or follows which request that was. */
import type { Span } from '../core/telemetry.ts';
import { ForwardingTurnService, type Of } from './forwarding-turn-service.ts';
import type { TurnService } from './turn-service.ts';

/** Passes on the span of a request with each call that starts or reads a turn. */
export class TracedTurnService extends ForwardingTurnService {
  readonly #traceparent: Span;

  constructor(turns: TurnService, traceparent: Span) {
    super(turns);
    this.#traceparent = traceparent;
  }

  override start(...[request, options, asker]: Of<'start'>) {
    return super.start({ ...request, traceparent: this.#traceparent }, options, asker);
  }

  override run(...[request, onDisconnect, asker]: Of<'run'>) {
    return super.run({ ...request, traceparent: this.#traceparent }, onDisconnect, asker);
  }

  override follow(...[turn, options, cursor, found]: Of<'follow'>) {
    return super.follow(turn, { ...options, traceparent: this.#traceparent }, cursor, found);
  }
}
