/**
 * Logging for the operator: each event is one line, as JSON or in a form for terminals. Fields are
 * ids, numbers and codes; texts of users and models and credentials are never logged.
 */

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const LOG_FORMATS = ['json', 'pretty'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/**
 * The fields of a line, named in snake_case. Undefined ones are left out; `error` may be any value
 * that was thrown.
 */
export type LogFields = Readonly<Record<string, unknown>>;

type LogMethod = (message: string, fields?: LogFields) => void;

export type Logger = Readonly<Record<LogLevel, LogMethod>>;

interface LoggerOptions {
  level: LogLevel;
  format: LogFormat;
  /** Writes one line, which comes without a line break. */
  write: (line: string, level: LogLevel) => void;
  /** Returns the time in milliseconds since the epoch. */
  now?: () => number;
}

export function createLogger({ level, format, write, now = Date.now }: LoggerOptions): Logger {
  const most = LOG_LEVELS.indexOf(level);
  const render = format === 'json' ? jsonLine : prettyLine;
  const at = (own: LogLevel): LogMethod =>
    LOG_LEVELS.indexOf(own) > most
      ? () => undefined
      : (message, fields = {}) => write(render(now(), own, message, fields), own);
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') };
}

function jsonLine(now: number, level: LogLevel, message: string, fields: LogFields): string {
  const { error } = fields;
  const told = error === undefined ? fields : { ...fields, error: describeError(error) };
  // Joined as text: a copy of all fields costs more than their JSON.
  const others = JSON.stringify(told);
  const head = `{"time":"${timeOf(now)}","level":"${level}","message":${JSON.stringify(message)}`;
  return others === '{}' ? `${head}}` : `${head},${others.slice(1)}`;
}

/** The last time that was written: many lines come within one millisecond. */
let written = { now: Number.NaN, time: '' };

function timeOf(now: number): string {
  if (written.now !== now) written = { now, time: new Date(now).toISOString() };
  return written.time;
}

function prettyLine(now: number, level: LogLevel, message: string, fields: LogFields): string {
  const { error, ...others } = fields;
  const values = Object.entries(others).flatMap(([name, value]) =>
    value === undefined || value === null ? [] : [`${name}=${prettyValue(value)}`],
  );
  const time = timeOf(now).slice(11, 23);
  const line = [time, level.toUpperCase().padEnd(5), message, ...values].join(' ');
  return error === undefined ? line : `${line}${prettyError(describeError(error))}`;
}

function prettyValue(value: unknown): string {
  return typeof value === 'string' && /^[\w.,/:@+%-]+$/u.test(value)
    ? value
    : JSON.stringify(value);
}

interface DescribedError {
  message: string;
  name?: string;
  code?: string;
  stack?: string[];
  cause?: DescribedError;
}

/** The most nested causes of an error that are logged. */
const MOST_CAUSES = 4;
/**
 * The longest text of an error that is logged, in UTF-16 units: a service may answer with a whole
 * page.
 */
const LONGEST_TEXT = 2_000;
const MOST_FRAMES = 12;

/** Returns an error's name, message, code, stack and causes, and none of its other properties. */
function describeError(error: unknown, depth = 0): DescribedError {
  if (!(error instanceof Error)) return { message: shortened(textOf(error)) };
  const { name, message, cause, stack } = error;
  const code: unknown = 'code' in error ? error.code : undefined;
  return {
    name,
    message: shortened(message),
    ...(typeof code === 'string' ? { code } : {}),
    ...(stack ? { stack: framesOf(stack) } : {}),
    ...(cause !== undefined && depth < MOST_CAUSES
      ? { cause: describeError(cause, depth + 1) }
      : {}),
  };
}

function textOf(thrown: unknown): string {
  if (typeof thrown === 'string') return thrown;
  try {
    return JSON.stringify(thrown) ?? String(thrown);
  } catch {
    return 'an error that cannot be shown';
  }
}

/** Cuts a text and removes control characters, which could steer a terminal. */
function shortened(text: string): string {
  const cut = text.length <= LONGEST_TEXT ? text : `${text.slice(0, LONGEST_TEXT)}…`;
  return cut.replaceAll(/[^\P{Cc}\n]/gu, '');
}

function framesOf(stack: string): string[] {
  const lines = stack.split('\n').map((line) => line.trim());
  return lines.filter((line) => line.startsWith('at ')).slice(0, MOST_FRAMES);
}

function prettyError({ name, message, code, stack = [], cause }: DescribedError): string {
  const head = [name, code, message].filter((part) => part !== undefined).join(': ');
  const lines = [head, ...stack.map((frame) => `  ${frame}`)];
  const told = lines.map((line) => `\n  ${line.replaceAll('\n', '\n  ')}`).join('');
  return cause ? `${told}\n  because of${prettyError(cause)}` : told;
}
