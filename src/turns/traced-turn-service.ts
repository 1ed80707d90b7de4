/** Tells the turns that a request starts or follows which request that was. */
import type { Span } from '../core/telemetry.ts';
import type { TurnService } from './turn-service.ts';

type Of<Method extends keyof TurnService> = Parameters<TurnService[Method]>;

/** Passes on the span of a request with each call that starts or reads a turn. */
export class TracedTurnService implements TurnService {
  readonly #turns: TurnService;
  readonly #traceparent: Span;

  constructor(turns: TurnService, traceparent: Span) {
    this.#turns = turns;
    this.#traceparent = traceparent;
  }

  start(request: Of<'start'>[0], options: Of<'start'>[1], asker: Of<'start'>[2]) {
    return this.#turns.start({ ...request, traceparent: this.#traceparent }, options, asker);
  }

  run(request: Of<'run'>[0], onDisconnect: Of<'run'>[1], asker: Of<'run'>[2]) {
    return this.#turns.run({ ...request, traceparent: this.#traceparent }, onDisconnect, asker);
  }

  recall(...[end, asked]: Of<'recall'>) {
    return this.#turns.recall(end, asked);
  }

  holds(turnId: string) {
    return this.#turns.holds(turnId);
  }

  follow(...[turn, options, cursor, found]: Of<'follow'>) {
    const traced = { ...options, traceparent: this.#traceparent };
    return this.#turns.follow(turn, traced, cursor, found);
  }

  wait(...[turn, onDisconnect]: Of<'wait'>) {
    return this.#turns.wait(turn, onDisconnect);
  }

  cancel(...[turn]: Of<'cancel'>) {
    return this.#turns.cancel(turn);
  }

  close(conversationId: string) {
    return this.#turns.close(conversationId);
  }
}
