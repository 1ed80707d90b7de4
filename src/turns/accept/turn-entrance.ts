/** Lets requests in: each begins a turn, or joins the one that answers it. */
import type { Telemetry } from '../../core/telemetry.ts';
import { sleep } from '../../core/retry.ts';
import type { Database } from '../../store/database.ts';
import type { TurnClaim } from '../../store/turns/claim.ts';
import type { Reading, TurnSources } from '../follow/turn-sources.ts';
import type { WaitingMessage } from '../follow/await-steering.ts';
import { searchEarly, type EarlySearch } from '../run/early-search.ts';
import type { RunningTurns } from '../run/running-turns.ts';
import { tellReplay } from '../run/turn-trace.ts';
import type { TurnStarter } from '../run/turn-starter.ts';
import type { Retriever } from '../retriever.ts';
import type { TurnAddress, TurnRequest } from '../turn-service.ts';
import { acceptTurn } from './accept-turn.ts';
import { AdmissionGate } from './admission-gate.ts';
import type { Claims } from './claims.ts';
import { ConversationQueues, unlessAborted } from './conversation-queue.ts';
import { placedAfter } from './claim-input.ts';
import type { KnownAnswers } from './known-answers.ts';
import { joinAnswer } from './join-answer.ts';
import { requireRoomToJoin } from './room-to-join.ts';

/** The options of a request that may have to wait. */
export interface Waiting {
  /** Aborted when the client has disconnected. */
  signal?: AbortSignal | undefined;
  /**
   * Called when the request has to wait.
   * @param turnId the turn that its message is stored with; undefined for one that is queued
   */
  onWait?: (turnId?: string) => void;
}

interface TurnEntranceOptions {
  db: Database;
  claims: Claims;
  running: RunningTurns;
  sources: TurnSources;
  starter: TurnStarter;
  retriever: Retriever;
  leaseMs: number;
  cancel: (turn: TurnAddress) => Promise<void>;
  known: KnownAnswers;
  /** Returns undefined where nobody watches. */
  telemetry: () => Telemetry | undefined;
}

/** A turn that can be read, or a message that has to wait for the turn which answers it. */
type Entered<Read> = { read: Read } | { steers: WaitingMessage };

/**
 * The interval at which a waiting request checks whether another instance's turn has ended, in
 * milliseconds.
 */
const LOOK_UP_EVERY_MS = 250;

export class TurnEntrance {
  readonly #options: TurnEntranceOptions;
  readonly #gate = new AdmissionGate();
  readonly #queues = new ConversationQueues();

  constructor(options: TurnEntranceOptions) {
    this.#options = options;
  }

  /** Refuses requests from now on, also those that wait. */
  close(): void {
    this.#gate.close();
  }

  /** The requests that have been admitted and may still begin a turn. */
  get entering(): readonly Promise<unknown>[] {
    return this.#gate.entering;
  }

  /**
   * Accepts the turn, or joins the one that answers the request: one that it repeats, or steers. A
   * request with `on_busy` `queue` waits first.
   * @throws ParleyError as {@link TurnService.start} does
   */
  async enter<Read>(
    claim: TurnClaim,
    request: TurnRequest,
    reading: Reading<Read>,
    wait: Waiting = {},
  ): Promise<Read> {
    const entered = await this.#gate.enter(() => this.#admit(claim, request, reading, wait));
    if ('read' in entered) return entered.read;
    const { steers } = entered;
    await this.#options.db.flush();
    wait.onWait?.(steers.turnId);
    return joinAnswer(steers, request, { ...this.#options, reading, signal: wait.signal });
  }

  async #admit<Read>(
    claim: TurnClaim,
    request: TurnRequest,
    reading: Reading<Read>,
    wait: Waiting,
  ): Promise<Entered<Read>> {
    this.#gate.mustBeOpen();
    // An unknown model, or one that cannot do what is asked, is refused before anything is stored.
    const { model, parameters, input } = request;
    const parts = input.kind === 'message' ? input.parts : [];
    if (model) await this.#options.starter.resolve(model, parameters, parts);
    const after = input.kind === 'message' ? input.after : undefined;
    const placed = after ? placedAfter(claim, after, await this.#options.known.find(after)) : claim;
    const task = () => this.#acceptOrJoin(placed, request, reading, wait);
    if (request.onBusy !== 'queue') return task();
    return this.#queues.run(request.conversationId, task, {
      ...wait,
      onWait: () => wait.onWait?.(),
    });
  }

  /** Searches for the question meanwhile; where no turn begins, what was found is not used. */
  async #acceptOrJoin<Read>(
    claim: TurnClaim,
    request: TurnRequest,
    reading: Reading<Read>,
    wait: Waiting,
  ): Promise<Entered<Read>> {
    const early = searchEarly(request, this.#options.retriever);
    try {
      return await this.#beginOrJoin(claim, request, reading, { ...wait, early });
    } catch (error) {
      early?.stop();
      throw error;
    }
  }

  async #beginOrJoin<Read>(
    claim: TurnClaim,
    request: TurnRequest,
    reading: Reading<Read>,
    { early, ...wait }: Waiting & { early: EarlySearch | undefined },
  ): Promise<Entered<Read>> {
    const begunAt = Date.now();
    const { db, claims, running, sources, starter, cancel } = this.#options;
    const telemetry = this.#options.telemetry();
    const entered = await acceptTurn<Read>(claim, request, {
      claims,
      gate: this.#gate,
      runsHere: (turnId) => running.byId.has(turnId),
      join: async (turn) => {
        await requireRoomToJoin(db, claim, request);
        return sources.join(turn, reading);
      },
      cancel,
      waitFor: (turnId) => this.#waitFor(turnId, wait),
      onRepeat: () => early?.stop(),
    });
    if (!('accepted' in entered)) early?.stop();
    if ('steers' in entered) return entered;
    const origin = telemetry && { telemetry, parent: request.traceparent, begunAt };
    if ('joined' in entered) {
      tellReplay(origin, claim);
      return { read: entered.joined };
    }
    return { read: reading.here(await starter.begin(claim, entered.accepted, { origin, early })) };
  }

  async #waitFor(turnId: string, { signal, onWait }: Waiting): Promise<void> {
    onWait?.();
    const turn = this.#options.running.byId.get(turnId);
    const over = turn ? turn.ended.then(() => undefined) : sleep(LOOK_UP_EVERY_MS);
    await unlessAborted(over, signal);
  }
}
