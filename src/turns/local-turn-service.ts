/**
 * Runs turns in this process: all of them on Node, those of one conversation inside a Durable
 * Object. The database decides which process may run a turn.
 */
import type { Limits } from '../core/limits.ts';
import { decodeCursor } from '../core/cursor.ts';
import { failureOf, notFound } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import type { StoredTurn } from '../core/message.ts';
import type { Logger } from '../core/logger.ts';
import { ANYONE, keyIdOf } from '../core/principal.ts';
import { sleep } from '../core/retry.ts';
import type { Registry } from '../models/chat/registry.ts';
import type { PriceTable } from '../core/prices.ts';
import type { Database } from '../store/database.ts';
import type { TurnClaim } from '../store/turns/claim.ts';
import { readTurn, requestCancel, sweep } from '../store/turns/read.ts';
import { acceptTurn, type Accepted } from './accept/accept-turn.ts';
import { AdmissionGate } from './accept/admission-gate.ts';
import { Allowances } from './accept/allowances.ts';
import { Claims, headOf } from './accept/claims.ts';
import { ConversationQueues, unlessAborted } from './accept/conversation-queue.ts';
import { QueuedStream } from './follow/queued-stream.ts';
import { KeepAliveTimer } from './follow/keep-alive-timer.ts';
import { KeptTurns } from './follow/kept-turns.ts';
import { startAtOf } from './follow/start-position.ts';
import { Subscription } from './follow/subscription.ts';
import type { StartAt } from './follow/turn-reader.ts';
import {
  storedSource,
  waitForHeartbeat,
  watchedSource,
  type TurnSource,
} from './follow/turn-source.ts';
import { runOf } from './follow/wait-for-end.ts';
import type { Retriever } from './retriever.ts';
import { Checkpointer } from './run/checkpointer.ts';
import { runTurn } from './run/run-turn.ts';
import { TurnBudget } from './run/turn-budget.ts';
import { RunningTurn, type Coalesce } from './run/running-turn.ts';
import type { RunSettings, TurnJob } from './run/types.ts';
import type { ToolRegistry } from './tools/tool.ts';
import type {
  Asker,
  FoundTurn,
  OnDisconnect,
  StreamOptions,
  TurnAddress,
  TurnRequest,
  TurnRun,
  TurnService,
  TurnStream,
} from './turn-service.ts';

export interface TurnServiceSettings extends RunSettings {
  titleWords: number;
  /** The limits of users who have none of their own; undefined where nobody has limits. */
  limits: Limits | undefined;
  leaseMs: number;
  keepAliveMs: number;
}

export interface TurnServiceDependencies {
  db: Database;
  registry: Registry;
  retriever: Retriever;
  toolRegistry: ToolRegistry;
  prices: PriceTable;
  settings: TurnServiceSettings;
  log: Logger;
  /** Keeps the steps after a turn alive until they are done. */
  defer: (work: Promise<unknown>) => void;
  /** Groups writes that come close together. */
  coalesce: Coalesce;
  /**
   * Returns the service that runs a turn which does not run here; undefined when all turns run
   * here.
   */
  elsewhere?: (address: TurnAddress) => TurnService;
  /** Called when the first turn begins and when the last has ended. */
  onActive?: (active: boolean) => void;
}

/**
 * The interval at which a waiting turn checks whether another instance's turn has ended, in
 * milliseconds.
 */
const LOOK_UP_EVERY_MS = 250;
/** The longest time that a cancellation waits for another instance, in milliseconds. */
const CANCEL_WAIT_MS = 2_000;

/** The options of a request that may have to wait in the queue. */
interface Waiting {
  /** Aborted when the client has disconnected. */
  signal?: AbortSignal | undefined;
  /** Called when the request has to wait. */
  onWait?: () => void;
}

/** The ways to read a turn that was accepted or joined, here or where it runs. */
interface Reading<Read> {
  here(source: TurnSource): Read;
  elsewhere(service: TurnService, turn: TurnAddress): Promise<Read | undefined>;
}

export class LocalTurnService implements TurnService {
  /** The id of this instance, under which the database knows the owner of a running turn. */
  readonly instanceId = newId();
  readonly #dependencies: TurnServiceDependencies;
  readonly #running = new Map<string, RunningTurn>();
  readonly #queues = new ConversationQueues();
  readonly #checkpointer: Checkpointer;
  readonly #claims: Claims;
  readonly #gate = new AdmissionGate();
  readonly #kept = new KeptTurns();
  readonly #keepAlive: KeepAliveTimer;
  #graceIsOver = false;

  constructor(dependencies: TurnServiceDependencies) {
    this.#dependencies = dependencies;
    const { db, registry, prices, settings, log } = dependencies;
    this.#claims = new Claims({
      db,
      instanceId: this.instanceId,
      settings: {
        titleWords: settings.titleWords,
        defaultModel: registry.defaultName,
        leaseMs: settings.leaseMs,
        windowMessages: settings.context.windowMessages,
        graceMs: settings.storeGraceMs,
        allowances:
          settings.limits &&
          new Allowances({
            registry,
            prices,
            leaseMs: settings.leaseMs,
            defaults: settings.limits,
          }),
      },
      log,
    });
    this.#keepAlive = new KeepAliveTimer(settings.keepAliveMs);
    this.#checkpointer = new Checkpointer({
      db,
      instanceId: this.instanceId,
      turns: this.#running,
      leaseMs: settings.leaseMs,
      log,
    });
  }

  start(request: TurnRequest, options: StreamOptions, asker?: Asker): Promise<TurnStream> {
    const reading: Reading<TurnStream> = {
      here: (source) => this.#streamOf(source, options, 'start'),
      elsewhere: (service, turn) => service.follow(turn, options),
    };
    if (request.onBusy === 'queue') return this.#startQueued(request, options, reading, asker);
    return this.#gate.enter(() => this.#enter(this.#claims.of(request), request, reading));
  }

  /**
   * Streams a turn that has to wait. The stream starts at once and holds comments until the turn
   * begins.
   */
  async #startQueued(
    request: TurnRequest,
    { wire }: StreamOptions,
    reading: Reading<TurnStream>,
    asker?: Asker,
  ): Promise<TurnStream> {
    const claim = this.#claims.of(request);
    const gone = new AbortController();
    const leave = () => gone.abort();
    if (asker?.signal.aborted) leave();
    asker?.signal.addEventListener('abort', leave, { once: true });
    const waits = Promise.withResolvers<undefined>();
    const wait = { signal: gone.signal, onWait: () => waits.resolve(undefined) };
    const accepted = this.#gate.enter(() => this.#enter(claim, request, reading, wait));
    const stream = await Promise.race([accepted, waits.promise]);
    if (stream) return stream;
    const { turnId, conversationId } = claim;
    const { keepAliveMs } = this.#dependencies.settings;
    const address = { turnId, conversationId };
    return new QueuedStream({ ...address, wire, keepAliveMs, accepted, onLeave: leave });
  }

  run(request: TurnRequest, onDisconnect: OnDisconnect, asker?: Asker): Promise<TurnRun> {
    const reading: Reading<TurnRun> = {
      here: (source) => this.#runOf(source, onDisconnect),
      elsewhere: (service, turn) => service.wait(turn, onDisconnect),
    };
    const wait = { signal: request.onBusy === 'queue' ? asker?.signal : undefined };
    return this.#gate.enter(() => this.#enter(this.#claims.of(request), request, reading, wait));
  }

  holds(turnId: string): boolean {
    return this.#running.has(turnId) || this.#kept.has(turnId);
  }

  async follow(
    address: TurnAddress,
    options: StreamOptions,
    cursor?: string,
    found?: FoundTurn,
  ): Promise<TurnStream | undefined> {
    const at = cursor === undefined ? undefined : decodeCursor(cursor);
    const source = await this.#sourceOf(address.turnId, found);
    const startAt = startAtOf(source, at);
    if (startAt === 'nothing left') return undefined;
    return this.#streamOf(source, options, startAt);
  }

  async wait({ turnId }: TurnAddress, onDisconnect: OnDisconnect): Promise<TurnRun> {
    return this.#runOf(await this.#sourceOf(turnId), onDisconnect);
  }

  async cancel({ turnId }: TurnAddress): Promise<void> {
    const turn = this.#running.get(turnId);
    if (turn) {
      turn.stop('cancelled');
      await turn.ended;
      return;
    }
    await requestCancel(this.#dependencies.db, turnId);
    const deadline = performance.now() + CANCEL_WAIT_MS;
    while (performance.now() < deadline) {
      const stored = await this.#read(turnId);
      if (!stored?.running) return;
      await sleep(LOOK_UP_EVERY_MS);
    }
  }

  async close(conversationId: string): Promise<void> {
    const turns = [...this.#running.values()].filter(
      (turn) => turn.head.conversationId === conversationId,
    );
    for (const turn of turns) turn.stop('cancelled');
    await Promise.all(turns.map((turn) => turn.ended));
  }

  /** Ends the turns that crashed instances left behind. */
  sweep(): Promise<void> {
    const { db, settings } = this.#dependencies;
    return sweep(db, settings.leaseMs, [...this.#running.keys()]);
  }

  /**
   * Refuses new turns and interrupts those that still run after `graceMs`. Resolves when all are
   * stored.
   */
  async drain(graceMs: number): Promise<void> {
    this.#gate.close();
    await Promise.race([this.#quiet(), sleep(graceMs)]);
    this.#graceIsOver = true;
    for (const turn of this.#running.values()) turn.stop('shutdown');
    await this.#quiet();
  }

  /** Resolves when no turn runs here and no admitted request may still begin one. */
  async #quiet(): Promise<void> {
    for (;;) {
      const ended = [...this.#running.values()].map((turn) => turn.ended);
      const awaited = [...this.#gate.entering, ...ended];
      if (awaited.length === 0) return;
      await Promise.allSettled(awaited);
    }
  }

  /**
   * Accepts the turn, or joins the one that it repeats. A request with `on_busy` `queue` waits
   * first.
   */
  async #enter<Read>(
    claim: TurnClaim,
    request: TurnRequest,
    reading: Reading<Read>,
    wait: Waiting = {},
  ): Promise<Read> {
    this.#gate.mustBeOpen();
    // An unknown model, or one that cannot do what is asked, is refused before anything is stored.
    if (request.model) await this.#resolve(request.model, request.parameters);
    const task = () => this.#acceptOrJoin(claim, request, reading, wait);
    if (request.onBusy !== 'queue') return task();
    return this.#queues.run(request.conversationId, task, wait);
  }

  async #acceptOrJoin<Read>(
    claim: TurnClaim,
    request: TurnRequest,
    reading: Reading<Read>,
    wait: Waiting,
  ): Promise<Read> {
    const entered = await acceptTurn<Read>(claim, request, {
      claims: this.#claims,
      gate: this.#gate,
      runsHere: (turnId) => this.#running.has(turnId),
      join: (turn) => this.#join(turn, reading),
      cancel: (turn) => this.cancel(turn),
      waitFor: (turnId) => this.#waitFor(turnId, wait),
    });
    if ('joined' in entered) return entered.joined;
    return reading.here(await this.#begin(claim, entered.accepted));
  }

  /**
   * Runs an accepted turn. Resolves once the claim is on disk; the model call is already under way.
   */
  async #begin(claim: TurnClaim, accepted: Accepted): Promise<RunningTurn> {
    const models = await this.#modelsOf(accepted, claim);
    const { coalesce, onActive, db } = this.#dependencies;
    const { reserved } = accepted;
    const head = headOf(claim, accepted, models[0].name);
    const turn = new RunningTurn(head, coalesce, reserved?.budget);
    this.#running.set(claim.turnId, turn);
    // The claim was made before the shutdown began and took longer than its grace period.
    if (this.#graceIsOver) turn.stop('shutdown');
    if (this.#running.size === 1) onActive?.(true);
    this.#checkpointer.start();
    const { conversation, history, parameters, learned, hasSearchableContent } = accepted;
    void runTurn(
      {
        ...{ turn, conversation, history, parameters, learned, hasSearchableContent, models },
        keyId: keyIdOf(claim.principal) ?? null,
        budget: reserved && claim.reservation && new TurnBudget(claim.reservation, reserved),
      },
      { ...this.#dependencies, instanceId: this.instanceId },
    ).finally(() => {
      this.#running.delete(claim.turnId);
      if (this.#running.size === 0) onActive?.(false);
    });
    try {
      await db.flush();
      return turn;
    } catch (error) {
      turn.stop('cancelled');
      await turn.ended;
      await this.#claims.release(claim);
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
      return await this.#resolve(accepted.model, accepted.parameters);
    } catch (error) {
      await this.#claims.release(claim);
      throw error;
    }
  }

  /** @throws ParleyError `unknown_model` or `unsupported_parameter` */
  async #resolve(name: string, parameters: TurnRequest['parameters']): Promise<TurnJob['models']> {
    const { registry } = this.#dependencies;
    await registry.discover(name);
    return registry.resolve(name, parameters);
  }

  /** Joins a turn; returns undefined when it is gone because its claim was released. */
  async #join<Read>(turn: TurnAddress, reading: Reading<Read>): Promise<Read | undefined> {
    await this.#dependencies.db.flush();
    const running = await this.#runningHere(turn.turnId);
    if (running) return reading.here(running);
    const elsewhere = this.#dependencies.elsewhere?.(turn);
    if (elsewhere) return reading.elsewhere(elsewhere, turn).catch(undefinedIfNotFound);
    const stored = await waitForHeartbeat(() => this.#read(turn.turnId));
    return stored && reading.here(this.#sourceFrom(stored));
  }

  async #waitFor(turnId: string, { signal, onWait }: Waiting): Promise<void> {
    onWait?.();
    const turn = this.#running.get(turnId);
    const over = turn ? turn.ended.then(() => undefined) : sleep(LOOK_UP_EVERY_MS);
    await unlessAborted(over, signal);
  }

  /** @param found what was read of the turn just now */
  async #sourceOf(turnId: string, found?: FoundTurn): Promise<TurnSource> {
    const running = this.#running.get(turnId) ?? (await this.#runningHere(turnId));
    if (running) return running;
    const known = found && this.#knownSource(found);
    if (known) return known;
    const stored = await this.#read(turnId);
    if (!stored) throw notFound('Turn');
    return this.#sourceFrom(stored);
  }

  /** Returns the source of a turn that is over, where what was found of it says enough. */
  #knownSource(found: FoundTurn): TurnSource | undefined {
    if (!('message' in found)) return this.#kept.find(found);
    return found.running ? undefined : this.#kept.keep(found);
  }

  /** Returns a turn that runs here, after waiting for the release of its claim, if there is one. */
  async #runningHere(turnId: string): Promise<RunningTurn | undefined> {
    const running = this.#running.get(turnId);
    if (!running) await this.#claims.released(turnId);
    return running;
  }

  #sourceFrom(stored: StoredTurn): TurnSource {
    if (!stored.running) return storedSource(stored);
    return watchedSource(stored, () => this.#read(stored.head.turnId));
  }

  #read(turnId: string): Promise<StoredTurn | undefined> {
    const { db, settings } = this.#dependencies;
    // The owner of the conversation was checked before, so no principal is needed here.
    return readTurn(db, { turnId, principal: ANYONE, leaseMs: settings.leaseMs });
  }

  #streamOf(
    source: TurnSource,
    { wire, initialId, onDisconnect }: StreamOptions,
    startAt: StartAt,
  ): TurnStream {
    const keepAlive = this.#keepAlive;
    const onLeave = this.#readerOf(source, onDisconnect);
    return new Subscription({ source, wire, startAt, initialId, keepAlive, onLeave });
  }

  #runOf(source: TurnSource, onDisconnect: OnDisconnect): TurnRun {
    return runOf(source, this.#readerOf(source, onDisconnect));
  }

  /** Counts a reader in and returns a function that counts it out again. */
  #readerOf({ head }: TurnSource, onDisconnect: OnDisconnect): () => void {
    const running = this.#running.get(head.turnId);
    running?.addReader(onDisconnect === 'cancel');
    return () => running?.removeReader();
  }
}

/** Returns undefined for `not_found`, by which another instance says that a turn is gone. */
function undefinedIfNotFound(error: unknown): undefined {
  if (failureOf(error).code !== 'not_found') throw error;
}
