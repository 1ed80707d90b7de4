/**
 * Fetches a file that a user names by its address. The address is a stranger's, and whatever is
 * behind it: nothing but public addresses are asked, and none for long.
 */
import { invalid, type ParleyError } from '../core/errors.ts';
import { isPublicAddress } from '../core/public-address.ts';
import { fileTooLarge, LARGEST_FILE } from '../core/file.ts';

/** An answer, as the host gives it. */
export interface OpenedAnswer {
  status: number;
  headers: Headers;
  /** Leaving it ends the connection. */
  body: AsyncIterable<Uint8Array>;
}

/**
 * Asks for an address, and follows no redirect.
 * @param trusted true for a host that the operator has named, which need not be public
 * @throws when the host's name has an address that is not public, or there is no answer
 */
export type OpenUrl = (
  url: URL,
  options: { signal: AbortSignal; trusted: boolean },
) => Promise<OpenedAnswer>;

export interface FetchedFile {
  name: string | undefined;
  type: string | undefined;
  bytes: AsyncIterable<Uint8Array>;
}

/** The time for a whole file, in milliseconds. */
const TIME_LIMIT_MS = 20_000;
/** The most redirects, all of them within one host. */
const MOST_REDIRECTS = 3;
const LONGEST_URL = 2_000;
const PORTS = new Set(['', '80', '443']);
/** Names that are not of the internet, or that its resolvers are not asked for. */
const LOCAL_NAME =
  /(?:^|\.)(?:localhost|local|localdomain|internal|intranet|lan|home|corp|private|test|invalid|onion|arpa)\.?$/;

/**
 * Begins to fetch a file.
 * @param trusted hosts, with their ports, that the operator has named
 * @throws ParleyError `invalid_request`; the bytes throw it, too, and `payload_too_large`
 */
export async function fetchFile(
  address: string,
  { open, trusted }: { open: OpenUrl; trusted: readonly string[] },
): Promise<FetchedFile> {
  const late = AbortSignal.timeout(TIME_LIMIT_MS);
  let url = requirePublic(address, trusted);
  for (let redirects = 0; ; redirects++) {
    const options = { signal: late, trusted: trusted.includes(url.host) };
    const answer = await open(url, options).catch(() => {
      throw unreachable(late);
    });
    const location = answer.headers.get('location');
    if (answer.status >= 300 && answer.status < 400 && location !== null) {
      await leave(answer);
      if (redirects >= MOST_REDIRECTS) throw refused('it redirects too often');
      url = redirected(url, location, trusted);
      continue;
    }
    if (answer.status === 200) return { ...namedBy(url, answer), bytes: bytesOf(answer, late) };
    await leave(answer);
    throw refused(`it answered ${answer.status}`);
  }
}

/** Checks all that the text of an address says. @throws ParleyError `invalid_request` */
function requirePublic(address: string, trusted: readonly string[]): URL {
  const url = address.length <= LONGEST_URL ? URL.parse(address) : null;
  if (!url || !/^https?:$/.test(url.protocol)) throw refused('it is no http or https address');
  if (url.username !== '' || url.password !== '') throw refused('it holds a credential');
  if (trusted.includes(url.host)) return url;
  if (!PORTS.has(url.port)) throw refused('its port is neither 80 nor 443');
  if (!isPublicHost(url.hostname)) throw notPublic();
  return url;
}

function isPublicHost(host: string): boolean {
  // `URL` writes every form of an address of IPv4 in one way: a name cannot end in a number.
  const isAddress = host.startsWith('[') || /(?:^|\.)\d+\.?$/.test(host);
  if (isAddress) return isPublicAddress(host);
  return host.includes('.') && !LOCAL_NAME.test(host);
}

function redirected(from: URL, location: string, trusted: readonly string[]): URL {
  const to = URL.parse(location, from);
  if (!to || to.hostname !== from.hostname) throw refused('it redirects to another host');
  // Whoever may be asked at one port may not be asked at all of them.
  return requirePublic(to.href, trusted);
}

async function* bytesOf({ headers, body }: OpenedAnswer, late: AbortSignal) {
  const encoding = headers.get('content-encoding') ?? 'identity';
  if (encoding.toLowerCase() !== 'identity') throw refused('it is compressed');
  if (Number(headers.get('content-length') ?? 0) > LARGEST_FILE) throw fileTooLarge();
  try {
    yield* body;
  } catch {
    throw unreachable(late);
  }
}

function namedBy(url: URL, { headers }: OpenedAnswer): Omit<FetchedFile, 'bytes'> {
  const last = url.pathname.split('/').at(-1) ?? '';
  return { name: decoded(last), type: headers.get('content-type') ?? undefined };
}

function decoded(name: string): string | undefined {
  try {
    return decodeURIComponent(name) || undefined;
  } catch {
    return undefined;
  }
}

async function leave({ body }: OpenedAnswer): Promise<void> {
  await body[Symbol.asyncIterator]().return?.();
}

/** One sentence for all: nobody learns from it which names and ports there are in a network. */
function notPublic(): ParleyError {
  return refused('it must be a public address that answers');
}

function unreachable(late: AbortSignal): ParleyError {
  return late.aborted ? refused('it takes too long') : notPublic();
}

function refused(why: string): ParleyError {
  return invalid('attachments', `The address cannot be fetched: ${why}`);
}
