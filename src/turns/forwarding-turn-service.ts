/** Passes all calls on to another service of turns; its subclasses add to some of them. */
import type { TurnService } from './turn-service.ts';

/** The parameters of a method of the service. */
export type Of<Method extends keyof TurnService> = Parameters<TurnService[Method]>;

export class ForwardingTurnService implements TurnService {
  protected readonly turns: TurnService;

  constructor(turns: TurnService) {
    this.turns = turns;
  }

  start(...[request, options, asker]: Of<'start'>) {
    return this.turns.start(request, options, asker);
  }

  run(...[request, onDisconnect, asker]: Of<'run'>) {
    return this.turns.run(request, onDisconnect, asker);
  }

  recall(...[end, asked]: Of<'recall'>) {
    return this.turns.recall(end, asked);
  }

  holds(turnId: string) {
    return this.turns.holds(turnId);
  }

  follow(...[turn, options, cursor, found]: Of<'follow'>) {
    return this.turns.follow(turn, options, cursor, found);
  }

  wait(...[turn, onDisconnect]: Of<'wait'>) {
    return this.turns.wait(turn, onDisconnect);
  }

  cancel(...[turn]: Of<'cancel'>) {
    return this.turns.cancel(turn);
  }

  close(conversationId: string) {
    return this.turns.close(conversationId);
  }
}
