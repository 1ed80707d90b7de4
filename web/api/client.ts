/** The calls of the public API that the page makes. */
import { recall, remember } from '../shared/storage.ts';
import type { Problem } from './types.ts';

/** The user that the page acts for; undefined where a credential says it. */
let userId: string | undefined;

/** A failure that the API told. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string | undefined;
  /** Seconds after which the call may be tried again. */
  readonly retryAfter: number | undefined;

  constructor(problem: Problem, retryAfter?: string | null) {
    super(problem.detail ?? `The server answered ${problem.status}`);
    this.status = problem.status;
    this.code = problem.code;
    this.retryAfter = problem.retry_after ?? (Number(retryAfter) || undefined);
  }
}

export interface Call {
  method?: string;
  json?: object;
  form?: FormData;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** Lets the call go on when the page is closed. */
  keepalive?: boolean;
}

/** Names the user where anybody may call: the same one in this browser from now on. */
export function nameUser(): void {
  userId = recall('user') ?? `guest-${newKey().slice(0, 13)}`;
  remember('user', userId);
}

/** Returns the user that the page named; undefined where a credential says who it is. */
export function namedUser(): string | undefined {
  return userId;
}

/** Returns a new random key. Off localhost and https a browser has no `randomUUID`. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
}

/** Returns the address of a path of the API, with the user where one is named. */
export function addressOf(path: string): URL {
  const url = new URL(path, location.origin);
  if (userId !== undefined) url.searchParams.set('user_id', userId);
  return url;
}

/** Makes a call and returns its JSON. @throws ApiError, or TypeError where no server answers */
export async function call<Answer>(path: string, options: Call = {}): Promise<Answer> {
  const response = await send(path, options);
  // The page and the API are of one version: what it answers has the shape that we ask for.
  return (await response.json()) as Answer;
}

/** Makes a call and returns the response, whose body is not read. */
export async function send(path: string, options: Call = {}): Promise<Response> {
  const { method, json, form, headers = {}, signal, keepalive = false } = options;
  const body = json ? JSON.stringify(json) : form;
  const response = await fetch(addressOf(path), {
    method: method ?? (body ? 'POST' : 'GET'),
    headers: { ...(json ? { 'content-type': 'application/json' } : {}), ...headers },
    ...(body === undefined ? {} : { body }),
    ...(signal ? { signal } : {}),
    keepalive,
  });
  if (response.ok) return response;
  // A proxy in between may answer with a page.
  const problem = (await response.json().catch(() => ({}))) as Partial<Problem>;
  throw new ApiError({ ...problem, status: response.status }, response.headers.get('retry-after'));
}

/** Returns a page of a list, and the path of the next one. */
export async function callPage<Item>(path: string): Promise<{ items: Item[]; next?: string }> {
  const response = await send(path);
  const [, next] = /<([^>]+)>;\s*rel="next"/u.exec(response.headers.get('link') ?? '') ?? [];
  const items = (await response.json()) as Item[];
  return next === undefined ? { items } : { items, next };
}
