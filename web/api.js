/** The calls of the public API that the page makes. */

const USER = 'parley.user';

/** Who the page acts for; undefined where a credential says it. */
let userId;

/** A failure as the page shows it. */
export class ApiError extends Error {
  /** @param {number} status @param {{ detail?: string, code?: string }} problem */
  constructor(status, problem) {
    super(problem.detail ?? `The server answered ${status}`);
    this.status = status;
    this.code = problem.code;
  }
}

/** Names the user where anybody may call: the same one in this browser from now on. */
export function nameUser() {
  userId = recall(USER) ?? `guest-${newKey().slice(0, 13)}`;
  remember(USER, userId);
}

/** Returns what this browser remembers under a name; undefined where it may remember nothing. */
export function recall(name) {
  try {
    return localStorage.getItem(name) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Lets this browser remember something; null forgets it. What does not fit is not remembered. */
export function remember(name, value) {
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  } catch {
    // Storage may be full or forbidden. The page works without it.
  }
}

/** Returns a new random key. Off localhost and https a browser has no `randomUUID`. */
function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
}

/**
 * Makes a call and returns what it answers.
 * @param {string} path
 * @param {{ method?: string, json?: object, form?: FormData, headers?: Record<string, string> }} [init]
 */
export async function call(path, init = {}) {
  const response = await send(path, init);
  return await response.json();
}

/** Makes a call and returns the response, whose body is not read. */
export async function send(path, { method, json, form, headers = {} } = {}) {
  const url = new URL(path, location.origin);
  if (userId !== undefined) url.searchParams.set('user_id', userId);
  const body = json ? JSON.stringify(json) : form;
  const response = await fetch(url, {
    method: method ?? (body ? 'POST' : 'GET'),
    headers: { ...(json ? { 'content-type': 'application/json' } : {}), ...headers },
    body,
  });
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  throw new ApiError(response.status, problem);
}

/**
 * Starts a turn and returns its conversation, where the answer is found: leaving this response
 * changes nothing. A try whose answer was lost is repeated with the same key.
 */
export async function startTurn(path, json) {
  const headers = { 'idempotency-key': newKey(), accept: 'text/event-stream' };
  for (let pause = 500; ; pause *= 2) {
    try {
      const response = await send(path, { json, headers });
      void response.body?.cancel();
      return response.headers.get('x-conversation-id');
    } catch (error) {
      const mayPass = !(error instanceof ApiError) || error.status === 503;
      if (!mayPass || pause > 8_000) throw error;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

/**
 * Follows a turn from its start. The browser reconnects by itself, after the last event that it
 * has; when it gives up, the turn is read as it is stored.
 * @param {string} turnId
 * @param {{ event(type: string, data: any): void, lost(): void }} reader
 * @returns a function that stops following
 */
export function follow(turnId, reader) {
  const url = new URL(`/turns/${turnId}/events`, location.origin);
  if (userId !== undefined) url.searchParams.set('user_id', userId);
  const source = new EventSource(url);
  for (const type of EVENTS)
    source.addEventListener(type, ({ data }) => reader.event(type, JSON.parse(data)));
  source.addEventListener('done', () => source.close());
  source.addEventListener('error', () => {
    if (source.readyState === EventSource.CLOSED) reader.lost();
  });
  return () => source.close();
}

const EVENTS = [
  'turn.started',
  'sources',
  'reasoning.delta',
  'tool.call',
  'tool.result',
  'message.delta',
  'turn.completed',
  'turn.cancelled',
  'turn.failed',
];
