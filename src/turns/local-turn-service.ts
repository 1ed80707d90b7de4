/**
 * Runs turns in this process: all of them on Node, those of one conversation inside a Durable
 * Object. The database decides which process may run a turn.
 */
import { decodeCursor } from '../core/cursor.ts';
import type { HistoryEnd } from '../core/exchange.ts';
import { newId } from '../core/ids.ts';
import type { Limits } from '../core/limits.ts';
import type { Logger } from '../core/logger.ts';
import type { PriceTable } from '../core/prices.ts';
import { sleep } from '../core/retry.ts';
import type { Telemetry } from '../core/telemetry.ts';
import type { Registry } from '../models/chat/registry.ts';
import type { Database } from '../store/database.ts';
import { sweep } from '../store/turns/sweep.ts';
import { Allowances } from './accept/allowances.ts';
import { Claims } from './accept/claims.ts';
import { KnownAnswers } from './accept/known-answers.ts';
import { TurnEntrance, type Waiting } from './accept/turn-entrance.ts';
import { startAtOf } from './follow/start-position.ts';
import { streamWhileWaiting } from './follow/stream-while-waiting.ts';
import { TurnReaders } from './follow/turn-readers.ts';
import { TurnSources, type Reading } from './follow/turn-sources.ts';
import type { Retriever } from './retriever.ts';
import { cancelTurn } from './run/cancel-turn.ts';
import { Checkpointer } from './run/checkpointer.ts';
import type { Coalesce } from './run/running-turn.ts';
import { RunningTurns } from './run/running-turns.ts';
import { TurnStarter } from './run/turn-starter.ts';
import { tellReplay } from './run/turn-trace.ts';
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

export class LocalTurnService implements TurnService {
  /** The id of this instance, under which the database knows the owner of a running turn. */
  readonly instanceId = newId();
  readonly #dependencies: TurnServiceDependencies;
  readonly #claims: Claims;
  readonly #known: KnownAnswers;
  readonly #running: RunningTurns;
  readonly #sources: TurnSources;
  readonly #starter: TurnStarter;
  readonly #entrance: TurnEntrance;
  readonly #readers: TurnReaders;

  constructor(dependencies: TurnServiceDependencies) {
    this.#dependencies = dependencies;
    const { db, settings, log, coalesce, elsewhere, onActive } = dependencies;
    const { leaseMs, keepAliveMs } = settings;
    const { instanceId } = this;
    const telemetry = () => dependencies.telemetry;
    const claims = claimsOf(dependencies, instanceId);
    const running = new RunningTurns(onActive);
    const known = new KnownAnswers(instanceId, coalesce);
    const sources = new TurnSources({ db, claims, running, leaseMs, elsewhere });
    const starter = new TurnStarter({
      claims,
      running,
      coalesce,
      checkpointer: new Checkpointer({ db, instanceId, turns: running.byId, leaseMs, log }),
      dependencies: { ...dependencies, instanceId },
      telemetry,
      limits: { leaseMs, windowMessages: settings.context.windowMessages },
      known,
    });
    const cancel = (turn: TurnAddress) => this.cancel(turn);
    const { retriever } = dependencies;
    const shared = { db, claims, running, sources, starter, known, retriever };
    this.#claims = claims;
    this.#known = known;
    this.#running = running;
    this.#sources = sources;
    this.#starter = starter;
    this.#entrance = new TurnEntrance({ ...shared, leaseMs, cancel, telemetry });
    this.#readers = new TurnReaders({ running, keepAliveMs });
  }

  start(request: TurnRequest, options: StreamOptions, asker?: Asker): Promise<TurnStream> {
    const reading: Reading<TurnStream> = {
      here: (source) => this.#readers.stream(source, options, 'start'),
      elsewhere: (service, turn) => service.follow(turn, options),
    };
    const claim = this.#claims.of(request);
    if (!mayWait(request)) return this.#entrance.enter(claim, request, reading);
    const enter = (wait: Waiting) => this.#entrance.enter(claim, request, reading, wait);
    const { keepAliveMs } = this.#dependencies.settings;
    return streamWhileWaiting(enter, { address: claim, wire: options.wire, keepAliveMs, asker });
  }

  run(request: TurnRequest, onDisconnect: OnDisconnect, asker?: Asker): Promise<TurnRun> {
    const reading: Reading<TurnRun> = {
      here: (source) => this.#readers.run(source, onDisconnect),
      elsewhere: (service, turn) => service.wait(turn, onDisconnect),
    };
    const signal = mayWait(request) ? asker?.signal : undefined;
    return this.#entrance.enter(this.#claims.of(request), request, reading, { signal });
  }

  async recall(end: HistoryEnd, asked: string): Promise<string | undefined> {
    return this.#known.has(asked) ? undefined : (await this.#known.find(end))?.conversationId;
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
    return this.#readers.stream(source, options, startAt);
  }

  /**
   * Streams a turn from its start which can be read now, without asking the database; undefined
   * when it must be asked. For callers who may read whatever turn they can name.
   */
  followNow(turnId: string, options: StreamOptions): TurnStream | undefined {
    const source = this.#sources.now(turnId);
    return source && this.#readers.stream(source, options, 'start');
  }

  async wait({ turnId }: TurnAddress, onDisconnect: OnDisconnect): Promise<TurnRun> {
    return this.#readers.run(await this.#sources.find(turnId), onDisconnect);
  }

  cancel({ turnId }: TurnAddress): Promise<void> {
    const { db } = this.#dependencies;
    return cancelTurn(turnId, { db, running: this.#running, sources: this.#sources });
  }

  close(conversationId: string): Promise<void> {
    return this.#running.stop('cancelled', conversationId);
  }

  /** True while a turn runs here. */
  get isActive(): boolean {
    return this.#running.byId.size > 0;
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
    this.#entrance.close();
    await Promise.race([this.#quiet(), sleep(graceMs)]);
    this.#starter.close();
    void this.#running.stop('shutdown');
    await this.#quiet();
  }

  /** Resolves when no turn runs here and no admitted request may still begin one. */
  async #quiet(): Promise<void> {
    for (;;) {
      const ended = [...this.#running.byId.values()].map((turn) => turn.ended);
      const awaited = [...this.#entrance.entering, ...ended];
      if (awaited.length === 0) return;
      await Promise.allSettled(awaited);
    }
  }
}

/** Returns true for a request that waits when another turn runs in its conversation. */
function mayWait({ onBusy }: TurnRequest): boolean {
  return onBusy === 'queue' || onBusy === 'steer';
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
