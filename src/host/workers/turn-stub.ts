/**
 * The turn service on Workers: each conversation's turns run in a Durable Object, which is called
 * over HTTP. The stream that it answers with passes through unchanged.
 */
import type { HistoryEnd } from '../../core/exchange.ts';
import { LatestMap } from '../../core/latest-map.ts';
import { ParleyError, stopping, type Failure } from '../../core/errors.ts';
import type { Budget } from '../../core/limits.ts';
import type { FinishedTurn } from '../../core/message.ts';
import { pumpToSink, type Sink } from '../../turns/follow/sink.ts';
import type {
  Asker,
  OnDisconnect,
  StreamOptions,
  TurnAddress,
  TurnRequest,
  TurnRun,
  TurnService,
  TurnStream,
} from '../../turns/turn-service.ts';

/** The options of a stream as they cross the network, with the wire's name in place of the wire. */
export type SentOptions = Omit<StreamOptions, 'wire'> & { wire: string };

/** The calls that a conversation's object takes, in the database of a tenant where each has one. */
export type TurnCall = { tenant?: string | undefined } & TurnCalls;

type TurnCalls =
  | { call: 'start'; request: TurnRequest; options: SentOptions }
  | { call: 'run'; request: TurnRequest; onDisconnect: OnDisconnect }
  | { call: 'follow'; turn: TurnAddress; options: SentOptions; cursor?: string }
  | { call: 'wait'; turn: TurnAddress; onDisconnect: OnDisconnect }
  | { call: 'cancel'; turn: TurnAddress }
  | { call: 'close'; conversationId: string };

/** The status of a response that is a failure, as JSON. */
export const FAILED_STATUS = 418;
/** The header in which the limits of a turn's user cross the network, as JSON. */
export const LIMITS_HEADER = 'x-parley-limits';
/** The header in which the id of a turn's answer crosses the network. */
export const ANSWER_HEADER = 'x-parley-answer';

/** The most histories that an isolate remembers, for all tenants. Each takes some 200 bytes. */
const MOST_REMEMBERED = 10_000;

/**
 * The conversations that were asked lately by way of this isolate, by the hashes of their histories
 * up to each question. The answers are remembered by the objects that gave them.
 */
const asked = new LatestMap<string>(MOST_REMEMBERED);

export class RemoteTurnService implements TurnService {
  readonly #objects: DurableObjectNamespace;
  readonly #tenant: string | undefined;

  /** @param tenant whose conversations are meant; undefined where all users share a database */
  constructor(objects: DurableObjectNamespace, tenant: string | undefined) {
    this.#objects = objects;
    this.#tenant = tenant;
  }

  async start(request: TurnRequest, options: StreamOptions, asker?: Asker): Promise<TurnStream> {
    const call = { call: 'start' as const, request, options: sent(options) };
    return this.#noting(
      request,
      streamOf(await this.#ask(request.conversationId, call, asker?.signal)),
    );
  }

  async run(request: TurnRequest, onDisconnect: OnDisconnect, asker?: Asker): Promise<TurnRun> {
    const call = { call: 'run' as const, request, onDisconnect };
    return this.#noting(
      request,
      runOf(await this.#ask(request.conversationId, call, asker?.signal)),
    );
  }

  recall({ question }: HistoryEnd, now: string): Promise<string | undefined> {
    const isAnswered = asked.get(nameIn(this.#tenant, now)) !== undefined;
    return Promise.resolve(isAnswered ? undefined : asked.get(nameIn(this.#tenant, question)));
  }

  /** The object reads the turn by itself. */
  holds(): boolean {
    return true;
  }

  async follow(
    { turnId, conversationId }: TurnAddress,
    options: StreamOptions,
    cursor?: string,
  ): Promise<TurnStream | undefined> {
    const turn = { turnId, conversationId };
    const call = { call: 'follow' as const, turn, options: sent(options), cursor };
    const response = await this.#ask(conversationId, call);
    return response.status === 204 ? undefined : streamOf(response);
  }

  async wait(
    { turnId, conversationId }: TurnAddress,
    onDisconnect: OnDisconnect,
  ): Promise<TurnRun> {
    const turn = { turnId, conversationId };
    return runOf(await this.#ask(conversationId, { call: 'wait', turn, onDisconnect }));
  }

  async cancel({ turnId, conversationId }: TurnAddress): Promise<void> {
    await this.#ask(conversationId, { call: 'cancel', turn: { turnId, conversationId } });
  }

  async close(conversationId: string): Promise<void> {
    await this.#ask(conversationId, { call: 'close', conversationId });
  }

  #noting<Started extends TurnAddress>({ input, create }: TurnRequest, turn: Started): Started {
    const { historyHash } = input;
    if (historyHash !== undefined && !create?.isTemporary)
      asked.set(nameIn(this.#tenant, historyHash), turn.conversationId);
    return turn;
  }

  async #ask(conversationId: string, calls: TurnCalls, signal?: AbortSignal): Promise<Response> {
    const call: TurnCall = { tenant: this.#tenant, ...calls };
    const name = nameIn(this.#tenant, conversationId);
    const object = this.#objects.get(this.#objects.idFromName(name));
    const init = { method: 'POST', body: JSON.stringify(call), signal };
    const response = await object.fetch('https://turns.invalid/', init).catch((cause: unknown) => {
      throw stopping('The conversation is being moved, try again', cause);
    });
    // Written by `DurableRoom` alone.
    if (response.status === FAILED_STATUS) throw new ParleyError(await response.json<Failure>());
    return response;
  }
}

/** Returns the name of an object: those of two tenants are never the same. */
export function nameIn(tenant: string | undefined, id: string): string {
  return tenant === undefined ? id : `${tenant}/${id}`;
}

function sent({ wire, ...options }: StreamOptions): SentOptions {
  return { ...options, wire: wire.name };
}

function addressOf({ headers }: Response): TurnAddress & { answerId: string | undefined } {
  return {
    turnId: headers.get('x-turn-id') ?? '',
    conversationId: headers.get('x-conversation-id') ?? '',
    answerId: headers.get(ANSWER_HEADER) ?? undefined,
  };
}

function limitsOf({ headers }: Response): Budget | undefined {
  const sent = headers.get(LIMITS_HEADER);
  // Written by `DurableRoom` alone.
  return sent === null ? undefined : (JSON.parse(sent) as Budget);
}

function bodyOf({ body }: Response): ReadableStream<Uint8Array> {
  if (!body) throw new Error('a conversation’s object answered without a stream');
  return body;
}

function streamOf(response: Response): TurnStream {
  const body = bodyOf(response);
  return {
    ...addressOf(response),
    limits: limitsOf(response),
    pipe: (sink: Sink) => void pumpToSink(body, sink),
    readable: () => body,
    leave: () => void body.cancel().catch(() => undefined),
  };
}

/**
 * Returns a handle to wait for a turn. The object answers at once and writes the turn, as JSON,
 * when it is over; leaving cancels the stream.
 */
function runOf(response: Response): TurnRun {
  const body = bodyOf(response);
  return {
    ...addressOf(response),
    limits: limitsOf(response),
    async finished(signal) {
      const reader = body.getReader();
      const leave = () => void reader.cancel().catch(() => undefined);
      if (signal?.aborted) leave();
      signal?.addEventListener('abort', leave, { once: true });
      try {
        // Written by `DurableRoom` alone.
        return JSON.parse(await textOf(reader)) as FinishedTurn;
      } finally {
        signal?.removeEventListener('abort', leave);
      }
    },
  };
}

async function textOf(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for (let read = await reader.read(); !read.done; read = await reader.read())
    text += decoder.decode(read.value, { stream: true });
  return text;
}
