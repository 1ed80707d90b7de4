/** TurnService in this process: all of them on Node, a single one inside a Durable Object. The database decides who may run a turn; here is who does. */
import { decodeCursor } from '../core/cursor.ts';
import { failureOf, keyReused, notFound, ParleyError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import type { StoredTurn } from '../core/message.ts';
import type { Logger } from '../core/logger.ts';
import type { Report } from '../core/report.ts';
import type { Registry } from '../models/chat/registry.ts';
import type { TurnClaim, ClaimResult } from '../store/turns/claim.ts';
import type { Database } from '../store/database.ts';
import { readTurn, requestCancel, sweep } from '../store/turns/read.ts';
import { Claims, headOf } from './accept/claims.ts';
import { runTurn } from './run/run-turn.ts';
import { AdmissionGate } from './accept/admission-gate.ts';
import type { Retriever } from './retriever.ts';
import { RunningTurn, type Coalesce } from './run/running-turn.ts';
import { Checkpointer } from './run/checkpointer.ts';
import { ConversationQueues, unlessAborted } from './accept/conversation-queue.ts';
import { streamTurn, type StartAt } from './follow/turn-reader.ts';
import type {
  Asker,
  TurnStream,
  TurnService,
  TurnRequest,
  TurnAddress,
  StreamOptions,
} from './turn-service.ts';
import type { ToolRegistry } from './tools/tool.ts';
import { sleep } from '../core/retry.ts';
import {
  waitForHeartbeat,
  storedSource,
  watchedSource,
  type LookUp,
  type TurnSource,
} from './follow/turn-source.ts';
import { startAtOf } from './follow/start-position.ts';
import type { RunSettings, TurnJob } from './run/types.ts';

export interface TurnServiceSettings extends RunSettings {
  titleWords: number;
  leaseMs: number;
  keepAliveMs: number;
}

export interface TurnServiceDependencies {
  db: Database;
  registry: Registry;
  retriever: Retriever;
  toolbox: ToolRegistry;
  settings: TurnServiceSettings;
  report: Report;
  log: Logger;
  /** How writes that come close together are put together. */
  coalesce: Coalesce;
  /** The room that a turn runs in when it is not this one; undefined where all rooms are here. */
  elsewhere?: (address: TurnAddress) => TurnService;
  /** Told when the first turn begins and when the last has ended. */
  onActive?: (active: boolean) => void;
}

/** How often a waiting turn looks whether another instance's is over, and how long a cancellation waits for it. */
const LOOK_UP_EVERY_MS = 250;
const CANCEL_WAIT_MS = 2_000;

export class LocalTurnService implements TurnService {
  /** This instance, as the database knows the owner of a turn. */
  readonly instanceId = newId();
  readonly #services: TurnServiceDependencies;
  readonly #live = new Map<string, RunningTurn>();
  readonly #queues = new ConversationQueues();
  readonly #checkpointer: Checkpointer;
  readonly #claims: Claims;
  readonly #gate = new AdmissionGate();
  #graceIsOver = false;

  constructor(services: TurnServiceDependencies) {
    this.#services = services;
    const { db, registry, settings, report } = services;
    this.#claims = new Claims({
      db,
      instanceId: this.instanceId,
      settings: {
        titleWords: settings.titleWords,
        defaultModel: registry.defaultName,
        leaseMs: settings.leaseMs,
        windowMessages: settings.context.windowMessages,
        graceMs: settings.storeGraceMs,
      },
      report,
    });
    this.#checkpointer = new Checkpointer({
      db,
      instanceId: this.instanceId,
      turns: this.#live,
      leaseMs: settings.leaseMs,
      report,
    });
  }

  start(command: TurnRequest, view: StreamOptions, asker?: Asker): Promise<TurnStream> {
    return this.#gate.enter(() => this.#start(command, view, asker));
  }

  async #start(command: TurnRequest, view: StreamOptions, asker?: Asker): Promise<TurnStream> {
    this.#gate.mustBeOpen();
    // A name that nothing answers to is refused before anything is stored.
    if (command.model) this.#services.registry.resolve(command.model);
    const claim = this.#claims.of(command);
    if (command.onBusy !== 'queue') return this.#claimUntilFree(claim, command, view);
    const signal = asker?.signal;
    return this.#queues.run(
      command.conversationId,
      () => this.#claimUntilFree(claim, command, view, signal),
      signal,
    );
  }

  async follow(
    address: TurnAddress,
    view: StreamOptions,
    cursor?: string,
  ): Promise<TurnStream | undefined> {
    const at = cursor === undefined ? undefined : decodeCursor(cursor);
    const source = await this.#sourceOf(address.turnId);
    const startAt = startAtOf(source, at);
    if (startAt === 'nothing left') return undefined;
    return this.#deliver(source, view, startAt);
  }

  async cancel({ turnId }: TurnAddress): Promise<void> {
    const live = this.#live.get(turnId);
    if (live) {
      live.stop('cancelled');
      await live.ended;
      return;
    }
    await requestCancel(this.#services.db, turnId);
    const deadline = performance.now() + CANCEL_WAIT_MS;
    while (performance.now() < deadline) {
      const turn = await this.#read(turnId);
      if (!turn?.running) return;
      await sleep(LOOK_UP_EVERY_MS);
    }
  }

  async close(conversationId: string): Promise<void> {
    const running = [...this.#live.values()].filter(
      (live) => live.head.conversationId === conversationId,
    );
    for (const live of running) live.stop('cancelled');
    await Promise.all(running.map((live) => live.ended));
  }

  /** Ends what other owners, who are dead, left behind. */
  sweep(): Promise<void> {
    const { db, settings } = this.#services;
    return sweep(db, settings.leaseMs, [...this.#live.keys()]);
  }

  /** No new turns; running ones get so many milliseconds, then they are interrupted. Resolves when all are stored. */
  async drain(graceMs: number): Promise<void> {
    this.#gate.close();
    await Promise.race([this.#quiet(), sleep(graceMs)]);
    this.#graceIsOver = true;
    for (const live of this.#live.values()) live.stop('shutdown');
    await this.#quiet();
  }

  /** Resolves when no turn runs here, and none that was asked for is about to. */
  async #quiet(): Promise<void> {
    for (;;) {
      const ended = [...this.#live.values()].map((live) => live.ended);
      const awaited = [...this.#gate.entering, ...ended];
      if (awaited.length === 0) return;
      await Promise.allSettled(awaited);
    }
  }

  async #claimUntilFree(
    claim: TurnClaim,
    command: TurnRequest,
    view: StreamOptions,
    signal?: AbortSignal,
  ): Promise<TurnStream> {
    for (;;) {
      this.#gate.mustBeOpen();
      const verdict = await this.#claims.make(claim);
      if (verdict.kind === 'accepted') {
        const models = await this.#modelsOf(verdict.model, claim);
        return this.#told(claim, this.#begin(claim, verdict, models, view));
      }
      if (verdict.kind === 'not_found') throw notFound('Conversation');
      if (verdict.kind === 'key_reused') throw keyReused();
      if (verdict.kind === 'repeated') {
        const joined = await this.#join(verdict, view);
        if (joined) return joined;
        continue;
      }
      if (verdict.leaseLeftMs < 0 && !this.#live.has(verdict.turnId)) {
        await this.#claims.clear(claim.conversationId);
        continue;
      }
      const address = { turnId: verdict.turnId, conversationId: claim.conversationId };
      if (command.joinSameText && verdict.text === claim.text) {
        const joined = await this.#join(address, view);
        if (joined) return joined;
        continue;
      }
      if (command.onBusy === 'reject') throw this.#busy(verdict);
      if (command.onBusy === 'interrupt') await this.cancel(address);
      else await this.#waitFor(verdict.turnId, signal);
    }
  }

  #begin(
    claim: TurnClaim,
    verdict: Extract<ClaimResult, { kind: 'accepted' }>,
    models: TurnJob['models'],
    view: StreamOptions,
  ): TurnStream {
    const live = new RunningTurn(headOf(claim, verdict, models[0].name), this.#services.coalesce);
    this.#live.set(claim.turnId, live);
    // Its claim was under way when the shutdown began, and took longer than the grace.
    if (this.#graceIsOver) live.stop('shutdown');
    if (this.#live.size === 1) this.#services.onActive?.(true);
    this.#checkpointer.start();
    const { conversation, history, hasSearchableContent } = verdict;
    void runTurn(
      { live, conversation, history, hasSearchableContent, models },
      { ...this.#services, instanceId: this.instanceId },
    ).finally(() => {
      this.#live.delete(claim.turnId);
      if (this.#live.size === 0) this.#services.onActive?.(false);
    });
    return this.#deliver(live, view, 'start');
  }

  /** The delivery of a turn that has begun, once a power cut cannot take the turn away any more: meanwhile its model was asked. */
  async #told(claim: TurnClaim, delivery: TurnStream): Promise<TurnStream> {
    try {
      await this.#services.db.flush();
      return delivery;
    } catch (error) {
      const live = this.#live.get(claim.turnId);
      live?.stop('cancelled');
      await Promise.all([delivery.body.cancel(), live?.ended]);
      await this.#claims.withdraw(claim);
      throw error;
    }
  }

  /** The models behind a name. A conversation's own may have gone off since it was chosen: that is known only now, and nothing of the turn is kept. */
  async #modelsOf(name: string, claim: TurnClaim): Promise<TurnJob['models']> {
    try {
      return this.#services.registry.resolve(name);
    } catch (error) {
      await this.#claims.withdraw(claim);
      throw error;
    }
  }

  /** Undefined where the turn has gone: the first request was refused meanwhile and its claim taken back. */
  async #join(address: TurnAddress, view: StreamOptions): Promise<TurnStream | undefined> {
    await this.#services.db.flush();
    try {
      if (!this.#live.has(address.turnId) && this.#services.elsewhere)
        return await this.#services.elsewhere(address).follow(address, view);
      return this.#deliver(await this.#sourceOf(address.turnId, waitForHeartbeat), view, 'start');
    } catch (error) {
      if (failureOf(error).code !== 'not_found') throw error;
      return undefined;
    }
  }

  #busy({ turnId, leaseLeftMs }: Extract<ClaimResult, { kind: 'busy' }>): ParleyError {
    // A turn that nobody here runs may be a crashed one: its lease says when it is out of the way at the latest.
    const retryAfter = this.#live.has(turnId)
      ? undefined
      : Math.max(1, Math.ceil(leaseLeftMs / 1000));
    return new ParleyError({
      code: 'turn_in_progress',
      detail: 'Another turn is in progress in this conversation',
      retryAfter,
    });
  }

  async #waitFor(turnId: string, signal?: AbortSignal): Promise<void> {
    const live = this.#live.get(turnId);
    await unlessAborted(live ? live.ended.then(() => undefined) : sleep(LOOK_UP_EVERY_MS), signal);
  }

  /** @param find how one that does not run here is looked for */
  async #sourceOf(turnId: string, find = (look: LookUp) => look()): Promise<TurnSource> {
    const live = this.#live.get(turnId);
    if (live) return live;
    await this.#claims.withdrawn(turnId);
    const look = () => this.#read(turnId);
    const turn = await find(look);
    if (!turn) throw notFound('Turn');
    return turn.running ? watchedSource(turn, look) : storedSource(turn);
  }

  #read(turnId: string): Promise<StoredTurn | undefined> {
    const { db, settings } = this.#services;
    // Whoever follows has been let in already: its owner was checked with the conversation's.
    return readTurn(db, { turnId, userId: null, leaseMs: settings.leaseMs });
  }

  #deliver(
    source: TurnSource,
    { wire, initialId, onDisconnect }: StreamOptions,
    startAt: StartAt,
  ): TurnStream {
    const { turnId, conversationId } = source.head;
    const body = streamTurn({
      source,
      wire,
      startAt,
      initialId,
      keepAliveMs: this.#services.settings.keepAliveMs,
      onLeave: () => {
        if (onDisconnect === 'cancel') this.#live.get(turnId)?.stop('cancelled');
      },
    });
    return { turnId, conversationId, body };
  }
}
