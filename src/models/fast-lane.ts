/**
 * A fast lane for plain text. A provider stays a `LanguageModel` to everybody; what its service sends that is plain text goes straight from the network into the model's
 * stream, and the provider sees all the rest. Its requests, errors, tools, finish and usage are its own.
 */
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4StreamPart,
  LanguageModelV4StreamResult,
} from '@ai-sdk/provider';
import type { GrowingType } from '../chat/parts.ts';
import { PlainDeltas } from './plain-deltas.ts';

/** Ties a request of a provider to the call that made it; never sent. */
const LANE_HEADER = 'x-parley-lane';

type OnText = (type: GrowingType, text: string) => void;

export interface FastLane {
  /** The `fetch` that the providers are to use. */
  fetch: typeof fetch;
  /** @param reasoning whether the provider shows `delta.reasoning` as reasoning */
  wrap(model: LanguageModelV4, options: { reasoning: boolean }): LanguageModelV4;
}

export function createFastLane(fetch: typeof globalThis.fetch): FastLane {
  const lanes = new Map<string, { onText: OnText; reasoning: boolean }>();
  let count = 0;
  return {
    fetch: async (input, init) => {
      const headers = new Headers(init?.headers);
      const lane = lanes.get(headers.get(LANE_HEADER) ?? '');
      headers.delete(LANE_HEADER);
      const response = await fetch(input, { ...init, headers });
      const isEvents = response.headers.get('content-type')?.includes('text/event-stream') ?? false;
      if (!lane || !isEvents || !response.body) return response;
      const { status, statusText, headers: answered } = response;
      return new Response(withoutText(response.body, lane), {
        status,
        statusText,
        headers: answered,
      });
    },
    wrap: (model, { reasoning }) => ({
      specificationVersion: model.specificationVersion,
      provider: model.provider,
      modelId: model.modelId,
      supportedUrls: model.supportedUrls,
      doGenerate: (options) => model.doGenerate(options),
      async doStream(options) {
        const id = String(count++);
        const parts = new PartQueue();
        lanes.set(id, {
          reasoning,
          onText: (type, text) => parts.push({ type: `${type}-delta`, id: 'lane', delta: text }),
        });
        try {
          return await streamThrough(model, options, id, parts);
        } finally {
          // The response, if there is one, holds its lane by now.
          lanes.delete(id);
        }
      },
    }),
  };
}

async function streamThrough(
  model: LanguageModelV4,
  options: LanguageModelV4CallOptions,
  id: string,
  parts: PartQueue,
): Promise<LanguageModelV4StreamResult> {
  const headers = { ...options.headers, [LANE_HEADER]: id };
  const result = await model.doStream({ ...options, headers });
  parts.follow(result.stream.getReader());
  return { ...result, stream: parts.stream() };
}

/** The body of a response with its plain text told to the lane and taken out. */
function withoutText(
  body: ReadableStream<Uint8Array>,
  lane: { onText: OnText; reasoning: boolean },
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const deltas = new PlainDeltas(lane);
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const { done, value } = await reader.read();
          const kept = done ? deltas.rest() : deltas.push(value);
          if (kept.length > 0) controller.enqueue(kept);
          if (done) controller.close();
          if (done || kept.length > 0) return;
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

/**
 * Parts from two sides. The first text goes the provider's way, since a provider may look at what comes first; what the lane brings meanwhile is held until that text is
 * there, and from then on the two sides are in the order in which they come.
 */
class PartQueue {
  #parts: LanguageModelV4StreamPart[] = [];
  /** Texts of the lane that come after a text which the provider still has; undefined when it has told it. */
  #held: LanguageModelV4StreamPart[] | undefined = [];
  #wake: (() => void) | undefined;
  #reader: ReadableStreamDefaultReader<LanguageModelV4StreamPart> | undefined;
  #ended: { error?: unknown } | undefined;

  /** From the lane. */
  push(part: LanguageModelV4StreamPart): void {
    if (this.#held) this.#held.push(part);
    else this.#add(part);
  }

  /** Takes in what the provider says, to its end. */
  follow(reader: ReadableStreamDefaultReader<LanguageModelV4StreamPart>): void {
    this.#reader = reader;
    const pump = async () => {
      for (let read = await reader.read(); !read.done; read = await reader.read())
        this.#take(read.value);
    };
    pump().then(
      () => this.#end({}),
      (error: unknown) => this.#end({ error }),
    );
  }

  stream(): ReadableStream<LanguageModelV4StreamPart> {
    return new ReadableStream<LanguageModelV4StreamPart>(
      {
        pull: async (controller) => {
          while (this.#parts.length === 0 && !this.#ended) await this.#change();
          for (const part of this.#parts) controller.enqueue(part);
          const isEmpty = this.#parts.length === 0;
          this.#parts = [];
          if (!isEmpty || !this.#ended) return;
          if ('error' in this.#ended) controller.error(this.#ended.error);
          else controller.close();
        },
        cancel: (reason) => this.#reader?.cancel(reason),
      },
      { highWaterMark: 0 },
    );
  }

  #take(part: LanguageModelV4StreamPart): void {
    const isText =
      (part.type === 'text-delta' || part.type === 'reasoning-delta') && part.delta !== '';
    // A provider that makes no text of what it was given first must not hold back the rest for ever.
    if (part.type === 'finish' || part.type === 'error') this.#release();
    this.#add(part);
    if (isText) this.#release();
  }

  #release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const part of held) this.#add(part);
  }

  #add(part: LanguageModelV4StreamPart): void {
    this.#parts.push(part);
    this.#wake?.();
  }

  #end(how: { error?: unknown }): void {
    this.#release();
    this.#ended = how;
    this.#wake?.();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }
}
