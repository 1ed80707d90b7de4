import type { Compression } from './compression.ts';

/**
 * What a scripted model does when it is called. Every field is optional and they combine; an empty
 * behaviour is a well-behaved model that echoes the last user message.
 */
export interface Behaviour {
  /** The pieces of the answer, one per streamed chunk. Wins over `text`. */
  tokens?: string[];
  /** The whole answer, cut into tokens by `cut`. */
  text?: string;
  /** The pieces of `text`: words, code points, or n UTF-16 units (which may split pairs). */
  cut?: 'words' | 'characters' | number;
  /** Pieces of reasoning, sent before the text. */
  reasoning?: string[];
  /** The calls of each step; after the last step's results have come back the text is sent. */
  toolCalls?: ScriptedToolCall[][];
  /** Repeats the tokens until the client goes away. */
  infinite?: boolean;

  /** Waits, before the headers or after so many tokens, until the test releases the model. */
  holdAt?: 'head' | number;
  /** Milliseconds before the response headers. */
  headersDelayMs?: number;
  /**
   * Milliseconds before the first and between any two tokens; a late one does not delay the rest.
   */
  delayMs?: { first?: number; between?: number };
  /** Milliseconds between the finish chunk and what follows it (usage, end marker). */
  endDelayMs?: number;

  /** Compresses a good answer and says so; each network write can be decoded when it arrives. */
  compressed?: Compression;

  /** Sends an SSE comment so often while the stream waits (some services do, before a token). */
  commentEveryMs?: number;

  /** Tokens in one network write: a number, or true for the whole body at once. Default 1. */
  burst?: number | boolean;
  /** Cuts every network write into pieces of so many bytes, also inside a character. */
  pieceBytes?: number;
  /** Milliseconds between such pieces. Default 0: the next turn of the event loop. */
  pieceDelayMs?: number;

  /** The name by which the service calls what answers; that which was asked for, if left out. */
  answersAs?: string;
  /** `late` comes after the end marker; `running` is in every chunk. See `UsageScript`. */
  usage?: UsageScript;
  /** `none` never sends one. Default `stop`, or the tool calls' own. */
  finishReason?: 'stop' | 'length' | 'content_filter' | 'none';
  /** False leaves out `[DONE]` (wires that have it). */
  doneMarker?: boolean;

  /** Answers this HTTP status instead. */
  status?: HttpFailure;
  /** Answers something that is no stream at all. See `Instead`. */
  instead?: Instead;
  /** Refuses requests whose body has this field; answers others as the rest says. */
  refuses?: { field: 'tools' | 'stream_options'; code: number; body: string };
  /** Sends these bytes as they are, in place of an answer. */
  raw?: RawAnswer;
  /** Goes wrong in the middle of the stream. */
  fault?: StreamFault;

  /** Length of embedding vectors when the request names none. */
  dimensions?: number;
  /** Sends vectors in base64, though numbers are asked for (OpenAI's wire). */
  base64?: boolean;
  /** Leaves out so many vectors at the end. */
  vectorsLeftOut?: number;
  /** Makes the vector of one text itself (zero, wrong length, …). */
  vector?: (text: string, dimensions: number) => unknown[];
}

export interface ScriptedToolCall {
  name: string;
  input: unknown;
  /** Default `call_<step>_<index>`. */
  id?: string;
  /**
   * Sends only the first n characters of the arguments' JSON (not on Gemini, whose are objects).
   */
  cutArgumentsAt?: number;
}

export type UsageScript =
  | 'normal'
  | 'missing'
  | 'duplicated'
  | 'running'
  | 'negative'
  | 'nan'
  | 'null'
  | 'text'
  | 'fractional'
  | 'huge'
  | 'late'
  | { input: unknown; output: unknown; cached?: number; written?: number };

export interface HttpFailure {
  code: number;
  /** Seconds or an HTTP date, sent as `Retry-After`. */
  retryAfter?: number | string;
  /** More headers, such as `retry-after-ms` or rate limits. */
  headers?: Record<string, string>;
  /** Fails only the first n requests for this model; always when left out. */
  times?: number;
  /** Default: the service's own JSON error, or an HTML page for 5xx. */
  body?: string;
  contentType?: string;
}

export interface RawAnswer {
  body: string;
  /** Default `text/event-stream`. */
  contentType?: string;
  /** The connection after the body: it ends, is reset, or stays open. Default `end`. */
  after?: 'end' | 'reset' | 'hold';
}

/**
 * `json-error`: 200 with an error as application/json; `empty`: 200, event stream, no byte;
 * `close`/`reset`: the connection ends (FIN / RST) before any header; `hang`: accepted, but no
 * byte; `headers-only`: headers, then silence; `html`: 200 with a web page.
 */
export type Instead = 'json-error' | 'empty' | 'close' | 'reset' | 'hang' | 'headers-only' | 'html';

/**
 * `eof` ends the body properly, `close` drops the connection without the last chunk, `reset` sends
 * a TCP RST, `stall` goes silent (for `forMs`, else for ever), `error` sends the service's error
 * chunk and ends. `corrupt` puts bytes in that the compression cannot decode. `malformed` breaks
 * the JSON of the next frame and `invalid-utf8` puts bytes that are no UTF-8 into an extra token;
 * both then go on to a normal end.
 */
export interface StreamFault {
  how: 'eof' | 'close' | 'reset' | 'stall' | 'error' | 'corrupt' | 'malformed' | 'invalid-utf8';
  /** After so many tokens (reasoning and argument pieces count). */
  afterTokens?: number;
  /** After so many bytes of the body: only for eof, close, reset and stall. */
  atByte?: number;
  /** After the last byte of the body, before it is ended: as `atByte`. */
  atEnd?: true;
  forMs?: number;
}

/** One behaviour for every request, the nth for the nth request (the last repeats), or a choice. */
export type Script = Behaviour | Behaviour[] | ((body: unknown, count: number) => Behaviour);

/** In every error text the upstream makes; it must never reach a client of the product. */
export const upstreamWords = 'upstream-internal-detail-7f3a';

/** Stands for two bytes that are no UTF-8; `encodeFrame` puts them on the wire. */
export const invalidUtf8Token = '\uF8FF';

/** The behaviour of the nth (from 0) request for a model. */
export function chooseBehaviour(
  script: Script | undefined,
  body: unknown,
  count: number,
): Behaviour {
  if (script === undefined) return {};
  if (typeof script === 'function') return script(body, count);
  if (Array.isArray(script)) return script[Math.min(count, script.length - 1)] ?? {};
  return script;
}
