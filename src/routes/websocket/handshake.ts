/** Looks at the handshake of a WebSocket (RFC 6455 §4.2.1) before anything is spent on it. */
import { ParleyError } from '../../core/errors.ts';
import type { AppContext } from '../shared/dependencies.ts';

/** The only version that browsers speak. */
const VERSION = '13';
/** Sixteen bytes in base64. */
const KEY = /^[+/0-9A-Za-z]{22}==$/;
const TOKEN = /^[!#$%&'*+.^`|~\w-]+$/;
/** UTF-16 units of a subprotocol: as many as a Durable Object keeps with its socket. */
const LONGEST_PROTOCOL = 256;

/** Checks that the client wants a socket. @throws ParleyError `invalid_request` */
export function requireUpgrade(c: AppContext): void {
  const isWanted = c.req.header('upgrade')?.toLowerCase() === 'websocket';
  if (!isWanted || !c.get('dependencies').sockets.canOpen(c))
    throw refusal('This address speaks WebSocket');
}

/**
 * Refuses a handshake that the host would refuse later, when its ticket is spent. The hosts do not
 * ask for the same, so this asks for what the standard does.
 * @throws ParleyError `invalid_request`
 */
export function requireSoundHandshake(c: AppContext): void {
  const wrong = wrongHeader(c);
  if (wrong === undefined) return;
  // As the standard asks where the version is another.
  c.res.headers.set('Sec-WebSocket-Version', VERSION);
  throw refusal(`${wrong} is missing or not valid`);
}

function wrongHeader(c: AppContext): string | undefined {
  if (!KEY.test(c.req.header('sec-websocket-key') ?? '')) return 'Sec-WebSocket-Key';
  if (c.req.header('sec-websocket-version') !== VERSION) return 'Sec-WebSocket-Version';
  const offered = c.req.header('sec-websocket-protocol');
  return offered === undefined || areProtocols(offered) ? undefined : 'Sec-WebSocket-Protocol';
}

function areProtocols(offered: string): boolean {
  const names = offered.split(',').map((name) => name.trim());
  const isName = (name: string) => TOKEN.test(name) && name.length <= LONGEST_PROTOCOL;
  return names.every(isName) && new Set(names).size === names.length;
}

function refusal(detail: string): ParleyError {
  return new ParleyError({ code: 'invalid_request', detail });
}
