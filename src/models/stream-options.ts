/**
 * Handles services that refuse `stream_options`, with which OpenAI's provider requests token
 * counts.
 */
import type { BodyInterceptor, HttpFetch } from './http.ts';

const FIELD = '"stream_options"';
const TOOLS = '"tools":';
/** Matches refusals that name another reason. */
const ANOTHER_REASON =
  /context|too (?:long|large|many)|content.?(?:filter|policy)|moderation|api.?key|tool|function/i;

export class StreamOptions {
  readonly #network: HttpFetch;
  /** The models whose services answered once the field was left out. */
  readonly #refusing = new Set<string>();
  /** The models whose services have answered with the field. */
  readonly #accepting = new Set<string>();

  constructor(network: HttpFetch) {
    this.#network = network;
  }

  /**
   * Sends a request. If it is refused because of `stream_options`, or without a reason, it is sent
   * once more without the field.
   * @param key the model
   */
  async fetch(
    key: string,
    input: Parameters<HttpFetch>[0],
    init: RequestInit,
    tap: BodyInterceptor,
  ): Promise<Response> {
    const { body } = init;
    if (typeof body !== 'string' || !body.includes(FIELD)) return this.#network(input, init, tap);
    // Most requests are sent as they are, so the other body is made only when it is needed.
    const changed = () => ({ ...init, body: withoutField(body) });
    if (this.#refusing.has(key)) return this.#network(input, changed(), tap);
    const response = await this.#network(input, init, tap);
    if (response.status !== 400 && response.status !== 422) return response;
    const words = await response.text();
    if (!this.#mayBeRefusal(key, body, words)) return new Response(words, response);
    return this.#network(input, changed(), this.#learning(key, tap));
  }

  /** Records that a request to the model was answered. */
  answered(key: string): void {
    if (!this.#refusing.has(key)) this.#accepting.add(key);
  }

  /**
   * Returns true if the refusal may be about the field. A refusal without a reason may also be
   * about tools, which are left out first, elsewhere.
   */
  #mayBeRefusal(key: string, body: string, words: string): boolean {
    if (words.includes('stream_options')) return true;
    const isSettled = this.#accepting.has(key) || body.includes(TOOLS);
    return !isSettled && !ANOTHER_REASON.test(words);
  }

  /** Remembers the model as soon as its service answers. */
  #learning(key: string, tap: BodyInterceptor): BodyInterceptor {
    return {
      get isDone() {
        return tap.isDone;
      },
      push: (bytes) => {
        this.#refusing.add(key);
        return tap.push(bytes);
      },
      end: () => tap.end(),
      fail: (error) => tap.fail(error),
    };
  }
}

function withoutField(body: string): string {
  const { stream_options: _, ...rest }: Record<string, unknown> = JSON.parse(body);
  return JSON.stringify(rest);
}
