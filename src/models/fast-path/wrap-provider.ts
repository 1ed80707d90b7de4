/**
 * A fast lane for plain answers. A provider stays a `LanguageModel` to everybody, and makes every request; an answer that is nothing but text goes straight from the network to whoever
 * takes the parts, and the provider hears only of the others: tools, refusals, errors, whatever it alone understands.
 */
import type { LanguageModelV4, LanguageModelV4CallOptions } from '@ai-sdk/provider';
import type { ChunkDialect } from './chat-completion-chunk.ts';
import { headerRecord, type HttpFetch } from '../http.ts';
import { PlainStream } from './plain-stream.ts';
import { readParts, type PushingModel } from '../push-model.ts';

/** Ties a request of a provider to the call that made it; never sent. */
const LANE_HEADER = 'x-parley-lane';

export interface FastPath {
  /** The `fetch` that the providers are to use. */
  fetch: typeof fetch;
  wrap(model: LanguageModelV4, dialect: ChunkDialect): PushingModel;
}

export function createFastPath(network: HttpFetch): FastPath {
  const lanes = new Map<string, PlainStream>();
  let count = 0;
  return {
    fetch: (input, init) => {
      const { [LANE_HEADER]: lane = '', ...headers } = headerRecord(init?.headers);
      return network(input, { ...init, headers }, lanes.get(lane));
    },
    wrap: (model, dialect) => ({
      specificationVersion: model.specificationVersion,
      provider: model.provider,
      modelId: model.modelId,
      supportedUrls: model.supportedUrls,
      doGenerate: (options) => model.doGenerate(options),
      doStream: (options) => model.doStream(options),
      async push(options, onPart) {
        const id = String(count++);
        const answer = new PlainStream(dialect, onPart);
        lanes.set(id, answer);
        const headers = { ...options.headers, [LANE_HEADER]: id };
        try {
          // The provider never hears of an answer that was plain to its end.
          const asked = { ...options, headers, includeRawChunks: !dialect.tellsThoughts };
          await Promise.race([provided(model, asked, answer), answer.whole]);
        } finally {
          lanes.delete(id);
        }
      },
    }),
  };
}

async function provided(
  model: LanguageModelV4,
  options: LanguageModelV4CallOptions,
  answer: PlainStream,
): Promise<void> {
  const { stream } = await model.doStream(options);
  await readParts(stream, (part) => answer.fromProvider(part), options.abortSignal);
}
