/**
 * Runs turns in this process: all of them on Node, those of one conversation inside a Durable
 * Object. The database decides which process may run a turn.
 */
import { decodeCursor } from '../core/cursor.ts';
import { notFound } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import type { Limits } from '../core/limits.ts';
import type { Logger } from '../core/logger.ts';
import type { Telemetry } from '../core/telemetry.ts';
import type { PriceTable } from '../core/prices.ts';
import { sleep } from '../core/retry.ts';
import type { Registry } from '../models/chat/registry.ts';
import type { Database } from '../store/database.ts';
import type { TurnClaim } from '../store/turns/claim.ts';
import { requestCancel, sweep } from '../store/turns/read.ts';
import { acceptTurn } from './accept/accept-turn.ts';
import { AdmissionGate } from './accept/admission-gate.ts';
import { Allowances } from './accept/allowances.ts';
import { Claims } from './accept/claims.ts';
import { requireRoomToJoin } from './accept/room-to-join.ts';
import { ConversationQueues, unlessAborted } from './accept/conversation-queue.ts';
import { KeepAliveTimer } from './follow/keep-alive-timer.ts';
import { QueuedStream } from './follow/queued-stream.ts';
import { startAtOf } from './follow/start-position.ts';
import { turnThatAnswers, type WaitingMessage } from './follow/await-steering.ts';
import { Subscription } from './follow/subscription.ts';
import type { StartAt } from './follow/turn-reader.ts';
import type { TurnSource } from './follow/turn-source.ts';
import { TurnSources, type Reading } from './follow/turn-sources.ts';
import { runOf } from './follow/wait-for-end.ts';
import type { Retriever } from './retriever.ts';
import { Checkpointer } from './run/checkpointer.ts';
import type { Coalesce } from './run/running-turn.ts';
import { RunningTurns } from './run/running-turns.ts';
import { tellReplay } from './run/turn-trace.ts';
import { TurnStarter } from './run/turn-starter.ts';
import type { RunSettings } from './run/types.ts';
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
  /** Undefined where nobody watches. */
  telemetry?: Telemetry | undefined;
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
  /**
   * Called when the request has to wait.
   * @param turnId the turn that its message is stored with; undefined for one that is queued
   */
  onWait?: (turnId?: string) => void;
}

export class LocalTurnService implements TurnService {
  /** The id of this instance, under which the database knows the owner of a running turn. */
  readonly instanceId = newId();
  readonly #dependencies: TurnServiceDependencies;
  readonly #running: RunningTurns;
  readonly #sources: TurnSources;
  readonly #starter: TurnStarter;
  readonly #queues = new ConversationQueues();
  readonly #claims: Claims;
  readonly #gate = new AdmissionGate();
  readonly #keepAlive: KeepAliveTimer;

  constructor(dependencies: TurnServiceDependencies) {
    this.#dependencies = dependencies;
    const { db, settings, log, coalesce, elsewhere, onActive } = dependencies;
    const { instanceId } = this;
    const { leaseMs } = settings;
    const claims = claimsOf(dependencies, instanceId);
    const running = new RunningTurns(onActive);
    this.#claims = claims;
    this.#running = running;
    this.#keepAlive = new KeepAliveTimer(settings.keepAliveMs);
    this.#sources = new TurnSources({ db, claims, running, leaseMs, elsewhere });
    this.#starter = new TurnStarter({
      claims,
      running,
      coalesce,
      checkpointer: new Checkpointer({ db, instanceId, turns: running.byId, leaseMs, log }),
      dependencies: { ...dependencies, instanceId },
      telemetry: () => dependencies.telemetry,
      limits: { leaseMs, windowMessages: settings.context.windowMessages },
    });
  }

  start(request: TurnRequest, options: StreamOptions, asker?: Asker): Promise<TurnStream> {
    const reading: Reading<TurnStream> = {
      here: (source) => this.#streamOf(source, options, 'start'),
      elsewhere: (service, turn) => service.follow(turn, options),
    };
    if (request.onBusy === 'queue' || request.onBusy === 'steer')
      return this.#startWaiting(request, options, reading, asker);
    return this.#enter(this.#claims.of(request), request, reading);
  }

  /**
   * Streams a turn that has to wait. The stream starts at once and holds comments until the turn
   * begins.
   */
  async #startWaiting(
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
    const { turnId, conversationId } = claim;
    const waits = Promise.withResolvers<{ waitsFor: string }>();
    const onWait = (waitsFor = turnId) => waits.resolve({ waitsFor });
    const accepted = this.#enter(claim, request, reading, { signal: gone.signal, onWait });
    const entered = await Promise.race([accepted, waits.promise]);
    if (!('waitsFor' in entered)) return entered;
    const { keepAliveMs } = this.#dependencies.settings;
    const address = { turnId: entered.waitsFor, conversationId };
    return new QueuedStream({ ...address, wire, keepAliveMs, accepted, onLeave: leave });
  }

  run(request: TurnRequest, onDisconnect: OnDisconnect, asker?: Asker): Promise<TurnRun> {
    const reading: Reading<TurnRun> = {
      here: (source) => this.#runOf(source, onDisconnect),
      elsewhere: (service, turn) => service.wait(turn, onDisconnect),
    };
    const mayWait = request.onBusy === 'queue' || request.onBusy === 'steer';
    const wait = { signal: mayWait ? asker?.signal : undefined };
    return this.#enter(this.#claims.of(request), request, reading, wait);
  }

  holds(turnId: string): boolean {
    return this.#sources.holds(turnId);
  }

  async follow(
    address: TurnAddress,
    options: StreamOptions,
    cursor?: string,
    found?: FoundTurn,
  ): Promise<TurnStream | undefined> {
    const begunAt = Date.now();
    const at = cursor === undefined ? undefined : decodeCursor(cursor);
    const source = await this.#sources.find(address.turnId, found);
    const { telemetry } = this.#dependencies;
    tellReplay(telemetry && { telemetry, parent: options.traceparent, begunAt }, address);
    const startAt = startAtOf(source, at);
    if (startAt === 'nothing left') return undefined;
    return this.#streamOf(source, options, startAt);
  }

  /**
   * Streams a turn from its start which can be read now, without asking the database; undefined
   * when it must be asked. For callers who may read whatever turn they can name.
   */
  followNow(turnId: string, options: StreamOptions): TurnStream | undefined {
    const source = this.#sources.now(turnId);
    return source && this.#streamOf(source, options, 'start');
  }

  async wait({ turnId }: TurnAddress, onDisconnect: OnDisconnect): Promise<TurnRun> {
    return this.#runOf(await this.#sources.find(turnId), onDisconnect);
  }

  async cancel({ turnId }: TurnAddress): Promise<void> {
    const turn = this.#running.byId.get(turnId);
    if (turn) {
      turn.stop('cancelled');
      await turn.ended;
      return;
    }
    await requestCancel(this.#dependencies.db, turnId);
    const deadline = performance.now() + CANCEL_WAIT_MS;
    while (performance.now() < deadline) {
      const stored = await this.#sources.read(turnId);
      if (!stored?.running) return;
      await sleep(LOOK_UP_EVERY_MS);
    }
  }

  close(conversationId: string): Promise<void> {
    return this.#running.stop('cancelled', conversationId);
  }

  /** Ends the turns that crashed instances left behind. */
  sweep(): Promise<void> {
    const { db, settings } = this.#dependencies;
    return sweep(db, settings.leaseMs, [...this.#running.byId.keys()]);
  }

  /**
   * Refuses new turns and interrupts those that still run after `graceMs`. Resolves when all are
   * stored.
   */
  async drain(graceMs: number): Promise<void> {
    this.#gate.close();
    await Promise.race([this.#quiet(), sleep(graceMs)]);
    this.#starter.close();
    void this.#running.stop('shutdown');
    await this.#quiet();
  }

  /** Resolves when no turn runs here and no admitted request may still begin one. */
  async #quiet(): Promise<void> {
    for (;;) {
      const ended = [...this.#running.byId.values()].map((turn) => turn.ended);
      const awaited = [...this.#gate.entering, ...ended];
      if (awaited.length === 0) return;
      await Promise.allSettled(awaited);
    }
  }

  /**
   * Accepts the turn, or joins the one that answers the request: one that it repeats, or steers. A
   * request with `on_busy` `queue` waits first.
   */
  async #enter<Read>(
    claim: TurnClaim,
    request: TurnRequest,
    reading: Reading<Read>,
    wait: Waiting = {},
  ): Promise<Read> {
    const entered = await this.#gate.enter(() => this.#admit(claim, request, reading, wait));
    if ('read' in entered) return entered.read;
    const { steers } = entered;
    await this.#dependencies.db.flush();
    wait.onWait?.(steers.turnId);
    return this.#readAnswerTo(steers, request, reading, wait);
  }

  async #admit<Read>(
    claim: TurnClaim,
    request: TurnRequest,
    reading: Reading<Read>,
    wait: Waiting,
  ): Promise<{ read: Read } | { steers: WaitingMessage }> {
    this.#gate.mustBeOpen();
    // An unknown model, or one that cannot do what is asked, is refused before anything is stored.
    const { model, parameters, input } = request;
    const parts = input.kind === 'message' ? input.parts : [];
    if (model) await this.#starter.resolve(model, parameters, parts);
    const task = () => this.#acceptOrJoin(claim, request, reading, wait);
    if (request.onBusy !== 'queue') return task();
    return this.#queues.run(request.conversationId, task, {
      ...wait,
      onWait: () => wait.onWait?.(),
    });
  }

  async #acceptOrJoin<Read>(
    claim: TurnClaim,
    request: TurnRequest,
    reading: Reading<Read>,
    wait: Waiting,
  ): Promise<{ read: Read } | { steers: WaitingMessage }> {
    const begunAt = Date.now();
    const { db, telemetry } = this.#dependencies;
    const entered = await acceptTurn<Read>(claim, request, {
      claims: this.#claims,
      gate: this.#gate,
      runsHere: (turnId) => this.#running.byId.has(turnId),
      join: async (turn) => {
        await requireRoomToJoin(db, claim, request);
        return this.#sources.join(turn, reading);
      },
      cancel: (turn) => this.cancel(turn),
      waitFor: (turnId) => this.#waitFor(turnId, wait),
    });
    if ('steers' in entered) return entered;
    const origin = telemetry && { telemetry, parent: request.traceparent, begunAt };
    if ('joined' in entered) {
      tellReplay(origin, claim);
      return { read: entered.joined };
    }
    return { read: reading.here(await this.#starter.begin(claim, entered.accepted, origin)) };
  }

  /** Reads the turn that answers a message which steers another, as soon as that is known. */
  async #readAnswerTo<Read>(
    message: WaitingMessage,
    { conversationId, principal }: TurnRequest,
    reading: Reading<Read>,
    { signal }: Waiting,
  ): Promise<Read> {
    const { db, settings } = this.#dependencies;
    const waiting = { db, running: this.#running.byId, leaseMs: settings.leaseMs, signal };
    const turnId = await turnThatAnswers(message, waiting);
    if (turnId !== undefined) await this.#claims.bindTicket(principal, turnId);
    const read = turnId && (await this.#sources.join({ turnId, conversationId }, reading));
    if (!read) throw notFound('Message');
    return read;
  }

  async #waitFor(turnId: string, { signal, onWait }: Waiting): Promise<void> {
    onWait?.();
    const turn = this.#running.byId.get(turnId);
    const over = turn ? turn.ended.then(() => undefined) : sleep(LOOK_UP_EVERY_MS);
    await unlessAborted(over, signal);
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
    const running = this.#running.byId.get(head.turnId);
    running?.addReader(onDisconnect === 'cancel');
    return () => running?.removeReader();
  }
}

function claimsOf(
  { db, registry, prices, settings, log }: TurnServiceDependencies,
  instanceId: string,
): Claims {
  const { titleWords, leaseMs, context, storeGraceMs, limits } = settings;
  return new Claims({
    db,
    instanceId,
    settings: {
      ...{ titleWords, leaseMs },
      defaultModel: registry.defaultName,
      windowMessages: context.windowMessages,
      graceMs: storeGraceMs,
      allowances: limits && new Allowances({ registry, prices, leaseMs, defaults: limits }),
    },
    log,
  });
}
