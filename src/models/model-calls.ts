/**
 * Tracks the running calls of models. Each call has its own signal, which the provider passes to
 * `fetch`. The signal connects the HTTP answer with the reader of the call.
 */
import {
  APICallError,
  type LanguageModelV4,
  type LanguageModelV4CallOptions,
} from '@ai-sdk/provider';
import type { BodyReader } from './chat-stream/body-reader.ts';
import { headerRecord, isEventStream, type HttpFetch } from './http.ts';
import { followParts, PartStream, type ModelPart, type OnPart } from './part-stream.ts';
import { StreamOptions } from './stream-options.ts';

/** Turns one answer into parts. */
export interface Answer {
  reader: BodyReader;
  /** The response for the provider; pending for as long as the provider need not see anything. */
  response: Promise<Response>;
  /** Settles when the answer was read to its end without its provider. */
  told?: Promise<void>;
  fromProvider(part: ModelPart): void;
  /** Returns the error to report, whatever the provider makes of the response it was given. */
  errorMet(): Error | undefined;
}

/** Longest web page that an error contains, in UTF-16 units. */
const LONGEST_PAGE = 2_000;

interface ModelCall {
  answer: Answer;
  /** Headers of this call alone, which are not led through its provider: that sorts all it has. */
  headers: Record<string, string> | undefined;
  /** Identifies the model, as far as its service may differ from others. */
  key: string;
}

export class ModelCalls {
  readonly #network: HttpFetch;
  readonly #streamOptions: StreamOptions;
  readonly #calls = new Map<AbortSignal, ModelCall>();

  constructor(network: HttpFetch) {
    this.#network = network;
    this.#streamOptions = new StreamOptions(network);
  }

  /** The `fetch` of the providers. */
  readonly fetch: typeof fetch = (input, init) => {
    const call = init?.signal && this.#calls.get(init.signal);
    return call ? this.#fetchFor(call, input, init) : this.#network(input, init);
  };

  /** Returns the stream of a call. The call is made when somebody reads the stream. */
  open(
    model: LanguageModelV4,
    options: LanguageModelV4CallOptions,
    answerTo: (onPart: OnPart) => Answer,
  ): PartStream {
    const call = new AbortController();
    const leave = () => call.abort(options.abortSignal?.reason);
    return new PartStream(async (onPart) => {
      if (options.abortSignal?.aborted) leave();
      options.abortSignal?.addEventListener('abort', leave, { once: true });
      const answer = answerTo(onPart);
      const { signal } = call;
      const key = `${model.provider}/${model.modelId}`;
      // What is told of a call has a value.
      const headers = options.headers as Record<string, string> | undefined;
      this.#calls.set(signal, { answer, headers, key });
      try {
        const given = { ...options, headers: undefined, abortSignal: signal };
        const provided = follow(model, given, answer, onPart);
        await (answer.told ? Promise.race([provided, answer.told]) : provided);
        const { responder } = answer.reader;
        if (responder)
          onPart({ type: 'response-metadata', id: responder.id, modelId: responder.model });
      } finally {
        this.#calls.delete(signal);
        if (answer.reader.isBegun) this.#streamOptions.answered(key);
        options.abortSignal?.removeEventListener('abort', leave);
        if (answer.reader.isLeftOpen) call.abort(new Error('the answer is whole'));
      }
    }, leave);
  }

  /** Returns an answer for the provider, or never if the answer is read without it. */
  async #fetchFor(
    { answer, headers, key }: ModelCall,
    input: Parameters<typeof fetch>[0],
    init: RequestInit,
  ): Promise<Response> {
    const { reader, response } = answer;
    const sent = headers
      ? { ...init, headers: { ...headerRecord(init.headers), ...headers } }
      : init;
    const answered = this.#streamOptions.fetch(key, input, sent, reader);
    const first = await Promise.race([answered, response]);
    if (first.status !== 200 || !first.body || reader.isBegun) return first;
    const type = first.headers.get('content-type') ?? '';
    if (type.includes('text/html'))
      throw await webPage(first, input instanceof Request ? input.url : input.toString());
    // The service sent JSON instead of a stream, or a stream with another content type.
    if (!isEventStream(first.status, type)) {
      reader.isStream = !type.includes('json');
      void read(first.body, reader);
    }
    return response;
  }
}

async function follow(
  model: LanguageModelV4,
  options: LanguageModelV4CallOptions,
  answer: Answer,
  onPart: OnPart,
): Promise<void> {
  try {
    const { stream } = await model.doStream(options);
    await followParts(stream, (part) => answer.fromProvider(part), options.abortSignal);
  } catch (error) {
    const met = answer.errorMet();
    if (!met) throw error;
    onPart({ type: 'error', error: met });
  }
}

async function read(body: ReadableStream<Uint8Array>, reader: BodyReader): Promise<void> {
  try {
    for await (const bytes of body) {
      reader.push(bytes);
      if (reader.isDone) return;
    }
    reader.end();
  } catch (error) {
    reader.fail(error);
  }
}

async function webPage(response: Response, url: string): Promise<APICallError> {
  return new APICallError({
    message: 'answered with a web page',
    url,
    requestBodyValues: {},
    statusCode: response.status,
    responseHeaders: { 'content-type': 'text/html' },
    responseBody: (await response.text()).slice(0, LONGEST_PAGE),
    isRetryable: false,
  });
}
