/** Begins accepted turns in this process. */
import { failureOf } from '../../core/errors.ts';
import type { Part } from '../../core/parts.ts';
import type { Telemetry } from '../../core/telemetry.ts';
import { keyIdOf } from '../../core/principal.ts';
import type { Registry } from '../../models/chat/registry.ts';
import { endTurn } from '../../store/turns/end-turn.ts';
import type { ClaimLimits, TurnClaim } from '../../store/turns/claim.ts';
import type { Accepted } from '../accept/accept-turn.ts';
import { headOf, type Claims } from '../accept/claims.ts';
import type { KnownAnswers } from '../accept/known-answers.ts';
import { readersOf } from '../accept/readers-of-files.ts';
import type { TurnRequest } from '../turn-service.ts';
import type { Checkpointer } from './checkpointer.ts';
import type { EarlySearch } from './early-search.ts';
import { brokenEnding } from './finish.ts';
import { runTurn } from './run-turn.ts';
import { RunningTurn, type Coalesce } from './running-turn.ts';
import type { RunningTurns } from './running-turns.ts';
import { endSteered } from './steering.ts';
import { TurnTrace, type TraceOrigin } from './turn-trace.ts';
import { TurnBudget } from './turn-budget.ts';
import type { Follow, RunDependencies, TurnJob } from './types.ts';

interface TurnStarterOptions {
  claims: Claims;
  checkpointer: Checkpointer;
  running: RunningTurns;
  /** Groups writes that come close together. */
  coalesce: Coalesce;
  dependencies: Omit<RunDependencies, 'follow'> & { registry: Registry };
  /** Returns undefined where nobody watches. */
  telemetry: () => Telemetry | undefined;
  /** The part of a conversation that claims of turns which follow others read. */
  limits: ClaimLimits;
  /** Remembers what is answered here. */
  known: KnownAnswers;
}

export class TurnStarter {
  readonly #options: TurnStarterOptions;
  readonly #follow: Follow;
  #isClosed = false;

  constructor(options: TurnStarterOptions) {
    this.#options = options;
    this.#follow = {
      limits: options.limits,
      claimOf: (message, head) => options.claims.following(message, head),
      begin: (claim, accepted, keyId) => this.#beginFollowing(claim, accepted, keyId),
    };
  }

  /** Stops turns that begin from now on at once: their claims were made before, and took long. */
  close(): void {
    this.#isClosed = true;
  }

  /**
   * Runs an accepted turn. Resolves once the claim is on disk; the model call is already under way.
   */
  async begin(
    claim: TurnClaim,
    accepted: Accepted,
    { origin, early }: { origin: TraceOrigin | undefined; early: EarlySearch | undefined },
  ): Promise<RunningTurn> {
    const models = await this.#modelsOf(accepted, claim);
    const keyId = keyIdOf(claim.principal) ?? null;
    const turn = this.#run(claim, accepted, { models, keyId, isSteered: false, early }, origin);
    const { dependencies, claims } = this.#options;
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

  /** Runs a turn that follows another. It is stored already, and ends even if it cannot begin. */
  async #beginFollowing(claim: TurnClaim, accepted: Accepted, keyId: string | null): Promise<void> {
    try {
      const { model, parameters } = accepted;
      const models = await this.resolve(model, parameters, askedIn(accepted));
      const telemetry = this.#options.telemetry();
      const origin = telemetry && { telemetry, parent: undefined, begunAt: Date.now() };
      this.#run(claim, accepted, { models, keyId, isSteered: true }, origin);
    } catch (error) {
      const { db, instanceId, settings } = this.#options.dependencies;
      const head = headOf(claim, accepted, accepted.model);
      const turn = new RunningTurn(head, this.#options.coalesce);
      const ending = brokenEnding(turn, failureOf(error));
      const retryForMs = settings.storeGraceMs;
      const end = { head, instanceId, ending, calls: [], retryForMs };
      const stored = await endTurn(db, end);
      if (stored?.running) await endSteered({ turn }, end, { db, follow: this.#follow });
    }
  }

  /** Runs a turn until its end is stored. */
  #run(
    claim: TurnClaim,
    accepted: Accepted,
    how: Pick<TurnJob, 'models' | 'keyId' | 'isSteered' | 'early'>,
    origin: TraceOrigin | undefined,
  ): RunningTurn {
    const { running, coalesce, checkpointer, dependencies, known } = this.#options;
    const head = headOf(claim, accepted, how.models[0].name);
    const turn = new RunningTurn(head, coalesce, accepted.reserved?.budget);
    running.add(turn);
    known.noteEnd(claim, turn);
    if (this.#isClosed) turn.stop('shutdown');
    checkpointer.start();
    const trace = origin && new TurnTrace(origin, head);
    const job = { ...jobOf(turn, claim, accepted), ...how, trace };
    const ended = runTurn(job, { ...dependencies, follow: this.#follow });
    void ended.finally(() => running.remove(turn));
    return turn;
  }

  /**
   * Returns the models of an accepted turn. A conversation's own model may have been turned off
   * since it was chosen, or cannot do what is asked. That shows only now, so the claim is released
   * and nothing of the turn is kept.
   */
  async #modelsOf(accepted: Accepted, claim: TurnClaim): Promise<TurnJob['models']> {
    try {
      return await this.resolve(accepted.model, accepted.parameters, askedIn(accepted));
    } catch (error) {
      await this.#options.claims.release(claim);
      throw error;
    }
  }

  /**
   * @param parts of the message that is to be answered
   * @throws ParleyError `unknown_model`, `unsupported_parameter` or `context_too_long`
   */
  async resolve(
    name: string,
    parameters: TurnRequest['parameters'],
    parts: readonly Part[] = [],
  ): Promise<TurnJob['models']> {
    const { registry, settings } = this.#options.dependencies;
    const models = await registry.find(name, parameters);
    return readersOf(models, parts, settings.context.tokenBudget);
  }
}

/** Returns the parts of the message that a turn answers. */
function askedIn({ history }: Accepted): readonly Part[] | undefined {
  return history.findLast(({ role }) => role === 'user')?.parts;
}

function jobOf(
  turn: RunningTurn,
  claim: TurnClaim,
  accepted: Accepted,
): Omit<TurnJob, 'models' | 'keyId' | 'isSteered' | 'early' | 'trace'> {
  const { conversation, history, parameters, learned, hasSearchableContent, reserved } = accepted;
  return {
    ...{ turn, conversation, history, parameters, learned, hasSearchableContent },
    budget: reserved && claim.reservation && new TurnBudget(claim.reservation, reserved),
  };
}
