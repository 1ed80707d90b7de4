/**
 * Answers who follows or replays a turn before the router sees the request. Many may follow one
 * turn, and where this process holds it and nobody has to be identified, reading it asks nothing of
 * the database: the router would then cost several times what the answer does.
 *
 * The fence: one route, in its plainest form. A request that says more than the address of a turn
 * goes on to the app, and so does every request where `FOLLOW_FAST_PATH=off`. The answers are the
 * same byte for byte, which a test holds.
 */
import type {
  IncomingHttpHeaders,
  IncomingMessage,
  RequestListener,
  ServerResponse,
} from 'node:http';
import { isTrustedHost } from '../../auth/host.ts';
import { newId } from '../../core/ids.ts';
import type { Telemetry } from '../../core/telemetry.ts';
import { logAnswer } from '../../routes/shared/log-request.ts';
import { headersOfAnswer, timing } from '../../routes/shared/response-headers.ts';
import { streamOptions } from '../../routes/shared/answer-turn.ts';
import { turnHeaders } from '../../routes/shared/stream-turn.ts';
import { beginRequest, endRequest } from '../../routes/shared/trace-request.ts';
import type { Dependencies } from '../../routes/shared/dependencies.ts';
import type { LocalTurnService } from '../../turns/local-turn-service.ts';
import { tellReplay } from '../../turns/run/turn-trace.ts';
import type { TurnAddress } from '../../turns/turn-service.ts';
import { nativeSse } from '../../wire/native-sse.ts';
import { writeTurn } from './send-turn.ts';

/** The address of a turn's events, with nothing after it. */
const EVENTS = /^\/turns\/([\da-f-]{36})\/events$/;
/** The headers that change what is answered. */
const TELLING = [
  'origin',
  'last-event-id',
  'x-request-id',
  'x-forwarded-proto',
  'expect',
  'upgrade',
  'content-length',
  'transfer-encoding',
];

const OPTIONS = streamOptions(nativeSse, {});

interface FastPathOptions extends Pick<
  Dependencies,
  'config' | 'identity' | 'telemetry' | 'loopbackOnly' | 'log'
> {
  turns: LocalTurnService;
  /** Returns true when the request may begin now; others wait, or learn that the server ends. */
  mayBegin: () => boolean;
}

/** Returns a listener that answers such requests, and leaves all others to `next`. */
export function followFastPath(options: FastPathOptions, next: RequestListener): RequestListener {
  const { config, identity } = options;
  if (config.FOLLOW_FAST_PATH === 'off' || identity) return next;
  return (incoming, outgoing) => {
    if (!answered(options, incoming, outgoing)) next(incoming, outgoing);
  };
}

function answered(
  { config, loopbackOnly, turns, log, telemetry, mayBegin }: FastPathOptions,
  { method, url, headers }: IncomingMessage,
  outgoing: ServerResponse,
): boolean {
  if (method !== 'GET' || url === undefined) return false;
  const turnId = EVENTS.exec(url)?.[1];
  if (turnId === undefined || TELLING.some((name) => name in headers)) return false;
  if (loopbackOnly && !isTrustedHost(headers.host, config.TRUSTED_HOSTS)) return false;
  const begunAt = performance.now();
  const stream = mayBegin() && turns.followNow(turnId, OPTIONS);
  if (!stream) return false;
  const requestId = newId();
  writeTurn(outgoing, stream, {
    ...headersOfAnswer(requestId, timing('total', performance.now() - begunAt)),
    ...nativeSse.headers,
    ...turnHeaders(stream),
  });
  const answer = { method, status: 200, begunAt, requestId };
  logAnswer(log, { ...answer, path: url, turn: stream });
  if (telemetry) tell(telemetry, headers, stream, answer);
  return true;
}

/** Tells those who watch of an answer, as the router does. */
function tell(
  telemetry: Telemetry,
  { traceparent }: IncomingHttpHeaders,
  turn: TurnAddress,
  answer: { method: string; status: number; begunAt: number; requestId: string },
): void {
  const startedAt = Date.now() - (performance.now() - answer.begunAt);
  const sent = typeof traceparent === 'string' ? traceparent : undefined;
  const span = beginRequest(telemetry, answer.method, sent, startedAt);
  tellReplay({ telemetry, parent: span, begunAt: startedAt }, turn);
  endRequest(telemetry, span, { ...answer, route: '/turns/{id}/events', isSecure: false });
}
