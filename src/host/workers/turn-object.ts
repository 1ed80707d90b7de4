/** A Durable Object that runs the turns of one conversation, with the same service as on Node. */
import { DurableObject } from 'cloudflare:workers';
import { failureOf } from '../../core/errors.ts';
import { createRetriever, createSearcher } from '../../search/retrieve.ts';
import { sweep } from '../../store/turns/sweep.ts';
import { LocalTurnService } from '../../turns/local-turn-service.ts';
import type { Asker, StreamOptions, TurnRun, TurnStream } from '../../turns/turn-service.ts';
import { wireNamed } from '../../wire/registry.ts';
import {
  RemoteTurnService,
  FAILED_STATUS,
  ANSWER_HEADER,
  LIMITS_HEADER,
  type SentOptions,
  type TurnCall,
} from './turn-stub.ts';
import { turnServiceSettingsOf } from '../services.ts';
import { newToolRegistry } from './tools.ts';
import { telemetryReady } from './telemetry.ts';
import { databaseOf, settle, type WorkerEnv } from './services.ts';

/**
 * The interval of alarms, in milliseconds. An object without a client is evicted after about two
 * minutes, even while it fetches; an alarm keeps it.
 */
const ALARM_EVERY_MS = 20_000;
/**
 * The delay of the first alarm, in milliseconds. Most turns end sooner, and setting an alarm is a
 * write to the disk. A turn that is lost before it is ended at the next access, or by the sweep.
 */
const FIRST_ALARM_AFTER_MS = 10_000;
/**
 * Writes within so many milliseconds are joined, since each write to a client costs about 0.1 ms of
 * CPU.
 */
const COALESCE_MS = 5;

/** The name under which an object with an alarm keeps its tenant. */
const TENANT = 'tenant';

export class DurableRoom extends DurableObject<WorkerEnv> {
  #turns: LocalTurnService | undefined;
  #tenant: string | undefined;
  #isActive = false;
  #hasAlarm = false;
  #firstAlarm: ReturnType<typeof setTimeout> | undefined;

  override async fetch(request: Request): Promise<Response> {
    try {
      const loading = telemetryReady(this.env);
      if (loading) await loading;
      // Only `RemoteTurnService` sends this.
      return await this.#answer(await request.json<TurnCall>(), request);
    } catch (error) {
      const failure = failureOf(error);
      if (failure.code === 'internal_error')
        settle(this.env).log.error('a conversation’s object failed', { error });
      return Response.json(failure, { status: FAILED_STATUS });
    }
  }

  /**
   * Runs at intervals while a turn runs, and once more when this object was lost during a turn,
   * which is then ended.
   */
  override async alarm(): Promise<void> {
    if (this.#isActive) return this.#setAlarm();
    const settled = settle(this.env);
    const tenant = await this.ctx.storage.get<string>(TENANT);
    await sweep(databaseOf(settled, tenant), settled.config.TURN_LEASE_MS);
  }

  async #answer(call: TurnCall, asker: Asker): Promise<Response> {
    const turns = this.#turnsOf(call.tenant);
    switch (call.call) {
      case 'start':
        return streamed(await turns.start(call.request, received(call.options), asker));
      case 'run':
        return whole(await turns.run(call.request, call.onDisconnect, asker));
      case 'follow': {
        const stream = await turns.follow(call.turn, received(call.options), call.cursor);
        return stream ? streamed(stream) : new Response(null, { status: 204 });
      }
      case 'wait':
        return whole(await turns.wait(call.turn, call.onDisconnect));
      case 'cancel':
        await turns.cancel(call.turn);
        return new Response(null, { status: 204 });
      case 'close':
        await turns.close(call.conversationId);
        return new Response(null, { status: 204 });
    }
  }

  /** Returns the service of this conversation, which the first call makes. */
  #turnsOf(tenant: string | undefined): LocalTurnService {
    // All calls of an object are of one tenant, which is a part of its name.
    this.#tenant = tenant;
    return (this.#turns ??= this.#newTurns(tenant));
  }

  #newTurns(tenant: string | undefined): LocalTurnService {
    const { ctx, env } = this;
    const settled = settle(env);
    const db = databaseOf(settled, tenant);
    const { embeddings, log } = settled;
    return new LocalTurnService({
      db,
      registry: settled.registry,
      settings: turnServiceSettingsOf(settled.config),
      retriever: createRetriever(createSearcher({ db, embeddings, log }), embeddings),
      toolRegistry: newToolRegistry(settled, ctx),
      prices: settled.prices,
      coalesce: (wake) => void setTimeout(wake, COALESCE_MS),
      elsewhere: () => new RemoteTurnService(env.ROOMS, tenant),
      onActive: (active) => this.#setActive(active),
      defer: (work) => ctx.waitUntil(work),
      log,
      // It is loaded with the first call.
      get telemetry() {
        return settled.telemetry;
      },
    });
  }

  #setActive(active: boolean): void {
    this.#isActive = active;
    clearTimeout(this.#firstAlarm);
    if (active)
      this.#firstAlarm = setTimeout(
        () => this.ctx.waitUntil(this.#setAlarm()),
        FIRST_ALARM_AFTER_MS,
      );
    else if (this.#hasAlarm) this.ctx.waitUntil(this.#deleteAlarm());
  }

  async #setAlarm(): Promise<void> {
    this.#hasAlarm = true;
    // The object may be another one by then, which nobody has called.
    if (this.#tenant !== undefined) await this.ctx.storage.put(TENANT, this.#tenant);
    await this.ctx.storage.setAlarm(Date.now() + ALARM_EVERY_MS);
  }

  async #deleteAlarm(): Promise<void> {
    this.#hasAlarm = false;
    await this.ctx.storage.deleteAlarm();
  }
}

function received({ wire, ...options }: SentOptions): StreamOptions {
  return { ...options, wire: wireNamed(wire) };
}

function streamed(stream: TurnStream): Response {
  return new Response(stream.readable(), { headers: headersOf(stream) });
}

/**
 * Answers with the head at once and with the turn as JSON when it is over. A cancelled stream means
 * that the client has left.
 */
function whole(run: TurnRun): Response {
  const gone = new AbortController();
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      try {
        const turn = await run.finished(gone.signal);
        controller.enqueue(new TextEncoder().encode(JSON.stringify(turn)));
        controller.close();
      } catch (error) {
        if (!gone.signal.aborted) controller.error(error);
      }
    },
    cancel: () => gone.abort(),
  });
  return new Response(body, { headers: headersOf(run) });
}

function headersOf({ turnId, conversationId, answerId = '', limits }: TurnStream | TurnRun) {
  const headers = {
    ...{ 'x-turn-id': turnId, 'x-conversation-id': conversationId },
    [ANSWER_HEADER]: answerId,
  };
  return limits ? { ...headers, [LIMITS_HEADER]: JSON.stringify(limits) } : headers;
}
