/**
 * A fast lane for plain text. A provider stays a `LanguageModel` to everybody; what its service sends that is plain text goes straight from the network to whoever
 * takes the parts, and the provider sees all the rest. Its requests, errors, tools, finish and usage are its own.
 */
import type { LanguageModelV4, LanguageModelV4StreamPart } from '@ai-sdk/provider';
import type { Network } from './network.ts';
import { PlainDeltas } from './plain-deltas.ts';
import { readParts, type OnPart, type PushingModel } from './pushing-model.ts';

/** Ties a request of a provider to the call that made it; never sent. */
const LANE_HEADER = 'x-parley-lane';

export interface FastLane {
  /** The `fetch` that the providers are to use. */
  fetch: typeof fetch;
  /** @param reasoning whether the provider shows `delta.reasoning` as reasoning */
  wrap(model: LanguageModelV4, options: { reasoning: boolean }): PushingModel;
}

export function createFastLane(network: Network): FastLane {
  const lanes = new Map<string, PlainDeltas>();
  let count = 0;
  return {
    fetch: (input, init) => {
      const headers = new Headers(init?.headers);
      const lane = lanes.get(headers.get(LANE_HEADER) ?? '');
      headers.delete(LANE_HEADER);
      return network(input, { ...init, headers }, lane);
    },
    wrap: (model, { reasoning }) => ({
      specificationVersion: model.specificationVersion,
      provider: model.provider,
      modelId: model.modelId,
      supportedUrls: model.supportedUrls,
      doGenerate: (options) => model.doGenerate(options),
      doStream: (options) => model.doStream(options),
      async push(options, onPart) {
        const id = String(count++);
        const parts = new PartsInOrder(onPart);
        lanes.set(
          id,
          new PlainDeltas({
            reasoning,
            onText: (type, text) =>
              parts.fromLane({ type: `${type}-delta`, id: 'lane', delta: text }),
          }),
        );
        try {
          const headers = { ...options.headers, [LANE_HEADER]: id };
          const { stream } = await model.doStream({ ...options, headers });
          await readParts(stream, (part) => parts.fromProvider(part), options.abortSignal);
        } finally {
          lanes.delete(id);
          parts.release();
        }
      },
    }),
  };
}

/**
 * Parts from two sides. The first text goes the provider's way, since a provider may look at what comes first; what the lane brings meanwhile is held until that text is
 * there, and from then on the two sides are in the order in which they come.
 */
class PartsInOrder {
  readonly #onPart: OnPart;
  /** Texts of the lane that come after a text which the provider still has; undefined when it has told it. */
  #held: LanguageModelV4StreamPart[] | undefined = [];

  constructor(onPart: OnPart) {
    this.#onPart = onPart;
  }

  fromLane(part: LanguageModelV4StreamPart): void {
    if (this.#held) this.#held.push(part);
    else this.#onPart(part);
  }

  fromProvider(part: LanguageModelV4StreamPart): void {
    const isText =
      (part.type === 'text-delta' || part.type === 'reasoning-delta') && part.delta !== '';
    // A provider that makes no text of what it was given first must not hold back the rest for ever.
    if (part.type === 'finish' || part.type === 'error') this.release();
    this.#onPart(part);
    if (isText) this.release();
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const part of held) this.#onPart(part);
  }
}
