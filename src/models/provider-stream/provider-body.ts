/** The answer that a provider is shown: events that we write, in its service's own form. */

const HEADERS = { 'content-type': 'text/event-stream' };
const utf8 = new TextEncoder();

export class ProviderBody {
  /** Resolves with the answer as soon as something is written. */
  readonly response: Promise<Response>;
  readonly #respond: (response: Response) => void;
  #output: ReadableStreamDefaultController<Uint8Array> | undefined;
  #isBegun = false;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<Response>();
    this.response = promise;
    this.#respond = resolve;
  }

  /** @param event whatever becomes JSON */
  write(event: object): void {
    this.#begin();
    this.#output?.enqueue(utf8.encode(`data: ${JSON.stringify(event)}\n\n`));
  }

  close(): void {
    this.#begin();
    this.#output?.close();
    this.#output = undefined;
  }

  #begin(): void {
    if (this.#isBegun) return;
    this.#isBegun = true;
    const stream = new ReadableStream<Uint8Array>({
      start: (output) => void (this.#output = output),
      cancel: () => void (this.#output = undefined),
    });
    this.#respond(new Response(stream, { headers: HEADERS }));
  }
}
