/** Describes a model's failure for the operator in one line that contains no key. */
import { ParleyError } from '../core/errors.ts';
import { BrokenStreamError } from './chat-stream/reported-error.ts';
import { isRecord, recordOf, textOf } from '../core/json.ts';
import { failureOfModel } from './failure.ts';
import { isBroken, serviceErrorOf, type ServiceError } from './service-error.ts';
import { withoutTexts } from './without-texts.ts';

/** Longest excerpt of the service's message, in UTF-16 units. */
const LONGEST_WORDS = 300;
/** The beginning of it that is read, whose end may be half of a secret. */
const LONGEST_READ = 2_000;

export interface FailureContext {
  /** The variable that sets the key of the service. */
  keyVariable?: string;
  baseUrlVariable?: string;
  /** The configured keys, which must not appear in the log. */
  secrets?: readonly string[];
  /** The texts that were sent. A service may repeat them, and the log must not. */
  texts?: readonly string[];
  /** Estimated number of tokens that had arrived. */
  tokens?: number;
}

/** Returns the status, the service's own message, its address, and what to check first. */
export function describeFailure(error: unknown, context: FailureContext = {}): string {
  if (error instanceof ParleyError) return describeEnd(error, context);
  const said = serviceErrorOf(error);
  const parts = [
    whatHappened(error, said, context),
    said?.url && `at ${addressOf(said.url)}`,
    hintFor(error, said, context),
  ];
  return withoutSecrets(parts.filter(Boolean).join('; '), context);
}

/** Describes an answer that ended without an error message from the service. */
function describeEnd({ code }: ParleyError, { tokens = 0 }: FailureContext): string {
  if (code === 'model_timeout')
    return tokens === 0
      ? 'nothing came in time; FIRST_TOKEN_TIMEOUT_MS says how long it may take'
      : `nothing more came in time, ${after(tokens)}; see IDLE_TIMEOUT_MS and TURN_TIMEOUT_MS`;
  return `the stream ended ${after(tokens)}, without a declared finish`;
}

function after(tokens = 0): string {
  return tokens === 1 ? 'after about 1 token' : `after about ${tokens} tokens`;
}

function whatHappened(
  error: unknown,
  said: ServiceError | undefined,
  context: FailureContext,
): string {
  const soFar = after(context.tokens);
  if (isBroken(error)) return `an event of the stream could not be read, ${soFar}`;
  if (error instanceof BrokenStreamError)
    return `the connection broke ${soFar}${codeOf(error.cause)}`;
  if (error instanceof Error && error.name === 'TimeoutError') return 'no answer in time';
  if (!said) return `${error instanceof Error ? error.name : 'unknown error'}${codeOf(error)}`;
  if (said.status === undefined && said.url) return `no answer${codeOf(error)}`;
  const words = ownWords(said, context);
  const status = said.url ? `status ${said.status}` : `an error inside the stream, ${soFar}`;
  return words === '' ? status : `${status}: ${words}`;
}

/** Returns the code of the network error, wherever it is in the chain of causes. */
function codeOf(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause)
    if ('code' in at && typeof at.code === 'string') return ` (${at.code})`;
  return '';
}

function hintFor(
  error: unknown,
  said: ServiceError | undefined,
  { keyVariable = 'the key', baseUrlVariable = 'the base URL' }: FailureContext,
): string | undefined {
  if (said && /<html|<!doctype/i.test(said.words) && (said.status ?? 0) < 500)
    return `a web page is no model’s service: check ${baseUrlVariable}`;
  switch (failureOfModel(error).code) {
    case 'model_unauthorized':
      return `check ${keyVariable}`;
    case 'model_quota_exceeded':
      return `check the plan and the limits of ${keyVariable}`;
    case 'model_not_found':
      return hintForMissing(said, baseUrlVariable);
    case 'context_too_long':
      return 'more than the model takes: lower CONTEXT_TOKEN_BUDGET';
    default:
      return hintForNetwork(codeOf(error), baseUrlVariable);
  }
}

/**
 * Returns what to check after a 404. A service that says that it lacks the model was reached, so
 * its base URL is right.
 */
function hintForMissing(said: ServiceError | undefined, baseUrlVariable: string): string {
  if (!/\/v1(?:beta)?\//.test(said?.url ?? ''))
    return `check the model’s name, and whether ${baseUrlVariable} lacks its /v1`;
  return /model/i.test(said?.words ?? '')
    ? 'check the model’s name'
    : `check the model’s name, and ${baseUrlVariable}`;
}

function hintForNetwork(code: string, baseUrlVariable: string): string | undefined {
  if (/ECONNREFUSED|ENOTFOUND/.test(code)) return 'is it running?';
  return /SSL|TLS|CERT/.test(code) ? `does ${baseUrlVariable} need http or https?` : undefined;
}

/** Returns the message of the service's error, or its body: shortened, masked and in one line. */
function ownWords({ words }: ServiceError, context: FailureContext): string {
  const text = messageIn(words) ?? words.replace(/<[^>]*>/g, ' ');
  // With control characters a service could forge lines of the log.
  const line = text
    .slice(0, LONGEST_READ)
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .replace(/\.$/u, '');
  const told = withoutSecrets(line, context);
  return withoutTexts(told, context.texts ?? []).slice(0, LONGEST_WORDS);
}

function messageIn(words: string): string | undefined {
  try {
    const body: unknown = JSON.parse(words);
    const first: unknown = Array.isArray(body) ? body[0] : body;
    const error = recordOf(first)['error'];
    const message = isRecord(error) ? error['message'] : error;
    return textOf(message) || textOf(recordOf(first)['message']) || undefined;
  } catch {
    return undefined;
  }
}

/** Returns the address without its query, which may hold secrets. */
function addressOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  return parsed ? parsed.origin + parsed.pathname : 'an address that cannot be read';
}

/** Matches keys of known services, and strings that are long and random enough to be keys. */
const KEYS =
  /\b(?:sk|gsk|pk|rk|xai|key|AIza)[-_A-Za-z0-9*]{8,}|(?=[-\w]*\d)(?=[-\w]*[A-Za-z])[-\w]{32,}/g;

function withoutSecrets(text: string, { secrets = [] }: FailureContext): string {
  const known = secrets.filter((secret) => secret.length >= 4);
  return known.reduce((rest, secret) => rest.replaceAll(secret, '***'), text).replace(KEYS, '***');
}
