/** Begins accepted turns in this process. */
import { keyIdOf } from '../../core/principal.ts';
import type { Registry } from '../../models/chat/registry.ts';
import type { TurnClaim } from '../../store/turns/claim.ts';
import type { Accepted } from '../accept/accept-turn.ts';
import { headOf, type Claims } from '../accept/claims.ts';
import type { TurnRequest } from '../turn-service.ts';
import type { Checkpointer } from './checkpointer.ts';
import { runTurn } from './run-turn.ts';
import { RunningTurn, type Coalesce } from './running-turn.ts';
import type { RunningTurns } from './running-turns.ts';
import { TurnBudget } from './turn-budget.ts';
import type { RunDependencies, TurnJob } from './types.ts';

interface TurnStarterOptions {
  claims: Claims;
  checkpointer: Checkpointer;
  running: RunningTurns;
  /** Groups writes that come close together. */
  coalesce: Coalesce;
  dependencies: RunDependencies & { registry: Registry };
}

export class TurnStarter {
  readonly #options: TurnStarterOptions;
  #isClosed = false;

  constructor(options: TurnStarterOptions) {
    this.#options = options;
  }

  /** Stops turns that begin from now on at once: their claims were made before, and took long. */
  close(): void {
    this.#isClosed = true;
  }

  /**
   * Runs an accepted turn. Resolves once the claim is on disk; the model call is already under way.
   */
  async begin(claim: TurnClaim, accepted: Accepted): Promise<RunningTurn> {
    const models = await this.#modelsOf(accepted, claim);
    const { running, coalesce, checkpointer, claims, dependencies } = this.#options;
    const head = headOf(claim, accepted, models[0].name);
    const turn = new RunningTurn(head, coalesce, accepted.reserved?.budget);
    running.add(turn);
    if (this.#isClosed) turn.stop('shutdown');
    checkpointer.start();
    void runTurn(jobOf(turn, claim, accepted, models), dependencies).finally(() =>
      running.remove(turn),
    );
    try {
      await dependencies.db.flush();
      return turn;
    } catch (error) {
      turn.stop('cancelled');
      await turn.ended;
      await claims.release(claim);
      throw error;
    }
  }

  /**
   * Returns the models of an accepted turn. A conversation's own model may have been turned off
   * since it was chosen, or cannot do what is asked. That shows only now, so the claim is released
   * and nothing of the turn is kept.
   */
  async #modelsOf(accepted: Accepted, claim: TurnClaim): Promise<TurnJob['models']> {
    try {
      return await this.resolve(accepted.model, accepted.parameters);
    } catch (error) {
      await this.#options.claims.release(claim);
      throw error;
    }
  }

  /** @throws ParleyError `unknown_model` or `unsupported_parameter` */
  async resolve(name: string, parameters: TurnRequest['parameters']): Promise<TurnJob['models']> {
    const { registry } = this.#options.dependencies;
    await registry.discover(name);
    return registry.resolve(name, parameters);
  }
}

function jobOf(
  turn: RunningTurn,
  claim: TurnClaim,
  accepted: Accepted,
  models: TurnJob['models'],
): TurnJob {
  const { conversation, history, parameters, learned, hasSearchableContent, reserved } = accepted;
  return {
    ...{ turn, conversation, history, parameters, learned, hasSearchableContent, models },
    keyId: keyIdOf(claim.principal) ?? null,
    budget: reserved && claim.reservation && new TurnBudget(claim.reservation, reserved),
  };
}
