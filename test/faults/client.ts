/**
 * The product's API as the cases use it. Whatever it answers is looked through for what must never
 * leave a server.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { request, type Answer, type RequestInit } from '../support/http.ts';
import { asArray, asRecord, asText, parseJson } from '../support/json.ts';
import { openStream, type OpenStream, type SseEvent } from '../support/sse.ts';
import { upstreamWords } from '../support/upstream.ts';
import { must } from './violation.ts';

export interface StoredMessage {
  id: string;
  /** Empty for a copy in a fork, which belongs to no turn. */
  turnId: string;
  /** Empty for the first of a branch. */
  parentId: string;
  role: string;
  content: string;
  status: string;
  sequenceNumber: number;
  tokensUsed: number;
  tokensEstimated: boolean;
}

/** A message and its place among those that follow the same one. */
export interface TreeMessage {
  message: StoredMessage;
  siblings: { index: number; count: number };
}

/** A whole conversation: every branch, in the order of their making, and the active path. */
export interface Tree {
  id: string;
  userId: string;
  all: TreeMessage[];
  path: StoredMessage[];
  /** Empty where there are no messages. */
  headId: string;
  messageCount: number;
}

export interface ConversationUsage {
  turns: number;
  outputTokens: number;
  estimated: boolean;
}

export interface TurnState {
  turnId: string;
  status: string;
  message: StoredMessage;
  errorCode: string;
}

/** What a stream said. */
export interface Told {
  /** 0: no answer came. */
  status: number;
  turnId: string;
  events: SseEvent[];
  text: string;
  /** The type of the terminal event; empty when none came. */
  terminal: string;
  /** The message of the terminal event. */
  message: StoredMessage | undefined;
  errorCode: string;
  /** `[DONE]` was the last event and the stream ended properly. */
  isWhole: boolean;
  retryAfter: number | undefined;
}

export interface Ask {
  conversationId?: string;
  userId: string;
  message: string;
  model?: string;
  key?: string;
  body?: Record<string, unknown>;
}

/** No word of these may be in any answer. */
const secrets = [upstreamWords, 'upstream-test-key', 'SQLITE_', 'database is locked', 'at file://'];
const stackFrame = /\n\s+at .+:\d+:\d+/u;

type CallInit = Omit<RequestInit, 'headers'> & { headers?: Record<string, string> };

export class Client {
  readonly url: string;
  readonly #credential: Record<string, string>;

  /** @param key of the caller, where the server asks who that is */
  constructor(url: string, key?: string) {
    this.url = url;
    this.#credential = key === undefined ? {} : { authorization: `Bearer ${key}` };
  }

  async call(path: string, init: CallInit = {}): Promise<Answer<unknown>> {
    const headers = { ...this.#credential, ...init.headers };
    const answer = await request(`${this.url}${path}`, { ...init, headers });
    mustNotLeak(answer.text);
    return answer;
  }

  /** A new empty conversation. */
  async createConversation(userId: string): Promise<string> {
    const answer = await this.call('/conversations', { json: { user_id: userId } });
    must(answer.status === 200, `POST /conversations answered ${answer.status}: ${answer.text}`);
    return asText(asRecord(answer.json)['conversation_id']);
  }

  /** Opens the stream of a new turn; rejects when no answer comes. */
  openTurn(ask: Ask): Promise<OpenStream> {
    const headers = { ...this.#credential, ...headersOf(ask) };
    return openStream(`${this.url}${pathOf(ask)}`, { json: bodyOf(ask), headers });
  }

  /** Asks for a turn and reads its stream to the end, however it ends. */
  async streamTurn(ask: Ask, timeoutMs = 60_000): Promise<Told> {
    const stream = await this.openTurn(ask).catch(() => undefined);
    return stream ? readAll(stream, timeoutMs) : nothingTold();
  }

  /** Asks for a turn whole, as JSON. */
  postTurn(ask: Ask): Promise<Answer<unknown>> {
    return this.call(pathOf(ask), {
      json: bodyOf(ask),
      headers: headersOf(ask),
      timeoutMs: 60_000,
    });
  }

  /** Replays or follows a turn. */
  async follow(turnId: string, lastEventId = '', timeoutMs = 60_000): Promise<Told> {
    const url = `${this.url}/turns/${turnId}/events`;
    const stream = await openStream(url, { lastEventId }).catch(() => undefined);
    return stream ? readAll(stream, timeoutMs) : nothingTold();
  }

  async cancel(turnId: string): Promise<TurnState> {
    const answer = await this.call(`/turns/${turnId}/cancel`, { method: 'POST' });
    must(answer.status === 200, `cancel answered ${answer.status}: ${answer.text}`);
    return turnStateOf(answer.json);
  }

  async turn(turnId: string): Promise<TurnState> {
    const answer = await this.call(`/turns/${turnId}`);
    must(answer.status === 200, `GET /turns/{id} answered ${answer.status}: ${answer.text}`);
    return turnStateOf(answer.json);
  }

  /** The turn once it is over; a violation when it is not within the time. */
  async ended(turnId: string, withinMs: number): Promise<TurnState> {
    const deadline = Date.now() + withinMs;
    for (;;) {
      const state = await this.turn(turnId);
      if (state.status !== 'streaming') return state;
      must(Date.now() < deadline, `turn ${turnId} still has no terminal state (I2)`);
      await sleep(100);
    }
  }

  /** What a conversation has used; undefined when the ledger has nothing of it. */
  async usage({ id, userId }: Pick<Tree, 'id' | 'userId'>): Promise<ConversationUsage | undefined> {
    const query = new URLSearchParams({ user_id: userId, group_by: 'conversation' });
    const answer = await this.call(`/usage?${query}`);
    must(answer.status === 200, `GET /usage answered ${answer.status}: ${answer.text}`);
    const items = asArray(asRecord(answer.json)['items']).map(asRecord);
    const item = items.find((each) => each['conversation_id'] === id);
    return (
      item && {
        turns: Number(item['turns']),
        outputTokens: Number(item['output_tokens']),
        estimated: item['estimated'] === true,
      }
    );
  }

  /** The messages of the active path, oldest first. */
  async messages(conversationId: string): Promise<StoredMessage[]> {
    return (await this.tree(conversationId)).path;
  }

  /** Every message of a conversation, page by page, and its active path. */
  async tree(id: string): Promise<Tree> {
    const answer = await this.call(`/conversations/${id}`);
    must(answer.status === 200, `GET /conversations/{id} answered ${answer.status}`);
    const conversation = asRecord(answer.json);
    const all: TreeMessage[] = [];
    let next: string | undefined = `/conversations/${id}/messages?tree=true&limit=200`;
    while (next !== undefined) {
      const page: Answer<unknown> = await this.call(next);
      must(page.status === 200, `GET /conversations/{id}/messages answered ${page.status}`);
      all.push(...asArray(page.json).map(treeMessageOf));
      next = /^<([^>]+)>; rel="next"$/u.exec(String(page.headers.link ?? ''))?.[1];
    }
    return {
      id,
      userId: asText(conversation['user_id']),
      all,
      path: asArray(conversation['messages']).map(messageOf),
      headId: asText(conversation['head_message_id']),
      messageCount: Number(conversation['message_count']),
    };
  }
}

function pathOf({ conversationId }: Ask): string {
  return conversationId === undefined
    ? '/conversations'
    : `/conversations/${conversationId}/messages`;
}

function bodyOf({ userId, message, model, body }: Ask) {
  return { user_id: userId, message, ...(model !== undefined && { model }), ...body };
}

function headersOf({ key }: Ask): Record<string, string> {
  return key === undefined ? {} : { 'idempotency-key': key };
}

function nothingTold(): Told {
  return {
    status: 0,
    turnId: '',
    events: [],
    text: '',
    terminal: '',
    message: undefined,
    errorCode: '',
    isWhole: false,
    retryAfter: undefined,
  };
}

const terminals = new Set(['turn.completed', 'turn.cancelled', 'turn.failed']);

/**
 * Reads a stream of native events to its end. A stream that does not end in time is closed and
 * counts as not whole.
 */
export async function readAll(stream: OpenStream, timeoutMs = 60_000): Promise<Told> {
  const ended = await stream.collect(timeoutMs).then(
    (result) => result.ended,
    () => 'cut' as const,
  );
  stream.close();
  return toldBy(stream, ended);
}

/** What an open stream has said so far. */
export function toldBy(stream: OpenStream, ended: 'end' | 'cut' = 'cut'): Told {
  const raw = stream.bytes().toString();
  mustNotLeak(raw);
  const { events } = stream;
  const ends = events.filter((event) => terminals.has(event.type));
  must(ends.length <= 1, `${ends.length} terminal events in one stream`);
  const last = asRecord(parseJson(ends[0]?.data ?? ''));
  const problem = stream.isEventStream ? asRecord(last['error']) : asRecord(parseJson(raw));
  const retryAfter = stream.headers['retry-after'];
  return {
    status: stream.status,
    turnId: asText(stream.headers['x-turn-id']),
    events,
    text: textOf(events),
    terminal: ends[0]?.type ?? '',
    message: ends[0] && messageOf(last['message']),
    errorCode: asText(problem['code']),
    isWhole: ended === 'end' && events.at(-1)?.type === 'done',
    retryAfter: retryAfter === undefined ? undefined : Number(retryAfter),
  };
}

/** The text of the deltas among events. */
export function textOf(events: readonly SseEvent[]): string {
  return events
    .filter((event) => event.type === 'message.delta')
    .map((event) => asText(asRecord(parseJson(event.data))['text']))
    .join('');
}

/**
 * What a client has of the answer itself: every part in its order, however its text was cut into
 * events.
 */
export function partsOf(events: readonly SseEvent[]): { type: string; data: string }[] {
  const parts: { type: string; data: string }[] = [];
  for (const { type, data } of events) {
    if (type.startsWith('turn.') || type === 'done') continue;
    const text = asRecord(parseJson(data))['text'];
    const last = parts.at(-1);
    const grows = type.endsWith('.delta') && last?.type === type;
    if (grows) last.data += asText(text);
    else parts.push({ type, data: type.endsWith('.delta') ? asText(text) : data });
  }
  return parts;
}

export function mustNotLeak(text: string): void {
  for (const secret of secrets) must(!text.includes(secret), `an answer holds ${secret} (I10)`);
  must(!stackFrame.test(text), 'an answer holds a stack trace (I10)');
}

export function turnStateOf(json: unknown): TurnState {
  const record = asRecord(json);
  return {
    turnId: asText(record['turn_id']),
    status: asText(record['status']),
    message: messageOf(record['message']),
    errorCode: asText(asRecord(record['error'])['code']),
  };
}

export function messageOf(json: unknown): StoredMessage {
  const record = asRecord(json);
  return {
    id: asText(record['id']),
    turnId: asText(record['turn_id']),
    parentId: asText(record['parent_id']),
    role: asText(record['role']),
    content: asText(record['content']),
    status: asText(record['status']),
    sequenceNumber: Number(record['sequence_number']),
    tokensUsed: Number(record['tokens_used']),
    tokensEstimated: record['tokens_estimated'] === true,
  };
}

function treeMessageOf(json: unknown): TreeMessage {
  const { index, count } = asRecord(asRecord(json)['siblings']);
  return { message: messageOf(json), siblings: { index: Number(index), count: Number(count) } };
}
