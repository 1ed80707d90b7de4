/**
 * Controls the upstream from other processes: `/control/…` sets scripts, releases answers and
 * returns the recorded requests. Functions (a script that chooses, a vector) cannot be sent.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseJson } from '../json.ts';
import type { Behaviour } from './behaviour.ts';
import type { RecordedRequest } from './recorded-request.ts';

/** A script as JSON can carry it. */
export type SentScript = Omit<Behaviour, 'vector'> | Omit<Behaviour, 'vector'>[];

/** A recorded request without what lives in the upstream's own process. */
export type SeenRequest = Omit<RecordedRequest, 'gone' | 'closed' | 'released'>;

export interface UpstreamControl {
  url: string;
  /** Sets the behaviour of a model name; the count of its requests starts again. */
  script(model: string, script: SentScript): Promise<void>;
  /** Lets the answers of a model go on that wait where `holdAt` says, and all later ones. */
  release(model: string): Promise<void>;
  /** Returns the current requests for one model, oldest first. */
  requests(model: string): Promise<SeenRequest[]>;
  /**
   * Waits for the first request for the model that fits; rejects after `timeoutMs` (default 15000).
   */
  waitForRequest(
    model: string,
    fits?: (request: SeenRequest) => boolean,
    timeoutMs?: number,
  ): Promise<SeenRequest>;
}

/** Returns a client of the upstream at `url`. */
export function upstreamControl(url: string): UpstreamControl {
  const address = (what: string, model: string) =>
    `${url}/control/${what}/${encodeURIComponent(model)}`;
  const requests = async (model: string) => {
    const response = await fetch(address('requests', model));
    // Only `answerControl` writes this.
    const seen: SeenRequest[] = await response.json();
    return seen;
  };
  return {
    url,
    async script(model, script) {
      const body = JSON.stringify(script);
      const response = await fetch(address('scripts', model), { method: 'PUT', body });
      if (!response.ok) throw new Error(`the upstream refused the script for ${model}`);
    },
    async release(model) {
      await fetch(address('releases', model), { method: 'PUT' });
    },
    requests,
    async waitForRequest(model, fits = () => true, timeoutMs = 15_000) {
      const deadline = Date.now() + timeoutMs;
      for (;;) {
        const found = (await requests(model)).find(fits);
        if (found) return found;
        if (Date.now() > deadline) throw new Error(`no such request for ${model} in time`);
        await sleep(20);
      }
    },
  };
}

interface Controlled {
  requests: RecordedRequest[];
  script(model: string, script: Behaviour | Behaviour[]): void;
  release(model: string): void;
}

/** Answers a request to `/control/…`; returns false for any other request. */
export async function answerControl(
  { requests, script, release }: Controlled,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const found = /^\/control\/(scripts|requests|releases)\/([^/]+)$/u.exec(request.url ?? '');
  if (found === null) return false;
  const [, what, name = ''] = found;
  const model = decodeURIComponent(name);
  response.setHeader('content-type', 'application/json');
  if (what === 'requests') {
    const seen = requests.filter((candidate) => candidate.model === model);
    response.end(JSON.stringify(seen.map(withoutSignals)));
    return true;
  }
  if (what === 'releases') {
    release(model);
    response.end('{}');
    return true;
  }
  const parts: Buffer[] = [];
  // Node's request is an async iterable of Buffers as long as no encoding is set.
  for await (const part of request) parts.push(part as Buffer);
  // Only `upstreamControl` sends this, and its type is that of a script.
  script(model, parseJson(Buffer.concat(parts).toString()) as Behaviour | Behaviour[]);
  response.end('{}');
  return true;
}

function withoutSignals(record: RecordedRequest): SeenRequest {
  const { gone: _gone, closed: _closed, released: _released, ...rest } = record;
  return rest;
}
