/** An error that a service reports inside its answer. */
import { choiceOf } from './chat-event.ts';
import { isRecord, recordOf, textOf, type JsonRecord } from '../../core/json.ts';

export class ReportedError extends Error {
  override readonly name = 'ReportedError';
  /** The status that the service would have answered with; undefined where it does not say. */
  readonly statusCode: number | undefined;
  /** The service's own words, as JSON: for the operator, and to tell refusals apart. */
  readonly responseBody: string;

  constructor(report: JsonRecord, statusCode: number | undefined) {
    super('the service reported an error');
    this.statusCode = statusCode;
    this.responseBody = JSON.stringify(report);
  }
}

/** The connection broke before the service had declared a finish. */
export class BrokenStreamError extends Error {
  override readonly name = 'BrokenStreamError';
}

/**
 * Returns the error that an event reports, beside its choices or instead of them.
 * @param type of the event
 * @param isStream false where the event is the whole answer
 */
export function errorIn(
  value: JsonRecord,
  type: string,
  isStream = true,
): ReportedError | undefined {
  const choice = choiceOf(value);
  if (!mayReport(value, choice, type)) return undefined;
  const report = [
    value['error'],
    value['errors'],
    recordOf(value['x_groq'])['error'],
    choice['error'],
    codeWithoutChoices(value),
  ].find(saysSomething);
  const isError =
    report !== undefined ||
    type === 'error' ||
    value['object'] === 'error' ||
    value['type'] === 'error' ||
    textOf(choice['finish_reason']).toLowerCase() === 'error';
  if (!isError) return undefined;
  const status = statusIn(report) ?? statusIn(value);
  // A service that answers 200 to say that it failed is not merely overloaded.
  const isFault = !isStream && (status === undefined || status >= 500);
  return new ReportedError({ error: report ?? value }, isFault ? 200 : status);
}

/** False for nearly every event, at little cost. */
function mayReport(value: JsonRecord, choice: JsonRecord, type: string): boolean {
  const { error, errors, x_groq: x, object, type: kind } = value;
  const hasField =
    error ?? errors ?? x ?? choice['error'] ?? choice['finish_reason'] ?? codeWithoutChoices(value);
  const hasType = type !== '' || object === 'error' || kind === 'error';
  return hasType || (hasField !== undefined && hasField !== null);
}

/** Returns an error of services that report each event's success by a code: MiniMax, FastChat. */
function codeWithoutChoices(value: JsonRecord): JsonRecord | undefined {
  const { choices, base_resp: base, error_code: code } = value;
  if (Array.isArray(choices) && choices.length > 0) return undefined;
  if (isRecord(base) && base['status_code']) return base;
  return code ? value : undefined;
}

function saysSomething(report: unknown): boolean {
  if (isRecord(report)) return Object.values(report).some(saysSomething);
  if (Array.isArray(report)) return report.some(saysSomething);
  return report !== null && report !== undefined && report !== '' && report !== false;
}

/** The fields in which services give a status, as a number, as digits or in words. */
const STATUS_FIELDS = [
  ...['code', 'status', 'status_code', 'statusCode', 'http_status_code'],
  ...['type', 'error_type', 'status_msg'],
];

const STATUS_WORDS: readonly [RegExp, number][] = [
  [
    /rate[_ ]?limit|resource_?exhausted|too[_ ]?many[_ ]?requests|insufficient_?quota|throttl/i,
    429,
  ],
  [/authenticat|unauthori[sz]ed|invalid_?api_?key|unauthenticated/i, 401],
  [/permission|forbidden/i, 403],
  [/not_?found/i, 404],
  [/time_?d?_?out|deadline/i, 504],
  [/overloaded|over_?capacity|unavailable|server_?error|internal/i, 503],
  [
    /context_?length|context_?size|content_?filter|invalid_?(?:request|argument|prompt|parameter)/i,
    400,
  ],
];

function statusIn(report: unknown): number | undefined {
  if (typeof report === 'string') return statusNamed(report);
  if (!isRecord(report)) return undefined;
  const values = STATUS_FIELDS.map((field) => report[field]);
  const number = values.map(Number).find((status) => status >= 400 && status <= 599);
  return number ?? values.map((value) => statusNamed(textOf(value))).find(Boolean);
}

function statusNamed(word: string): number | undefined {
  return STATUS_WORDS.find(([pattern]) => pattern.test(word))?.[1];
}
