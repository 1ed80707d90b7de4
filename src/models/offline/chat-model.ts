/**
 * The model for deployments without a key: deterministic, and open about what it is. It implements
 * the `LanguageModel` specification of the AI SDK, so it is called like any other model.
 */
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4StreamPart,
  ProviderV4,
} from '@ai-sdk/provider';
import { NoSuchModelError } from '@ai-sdk/provider';
import { usageOf } from './usage.ts';
import { callIn, callOf, resultsIn } from './tool-calls.ts';
import { sleep } from '../../core/retry.ts';
import { estimateTokens } from '../../core/tokens.ts';
import type { Citation } from '../../core/parts.ts';

/** Milliseconds between words: fast enough to seem immediate, slow enough to be seen streaming. */
const PAUSE_MS = 8;
/** The same pause for the slow model: an answer takes about twenty seconds. */
const SLOW_MODEL_ID = 'slow';
const SLOW_PAUSE_MS = 300;
const SLOW_INTRODUCTION =
  `This is slow on purpose, a word every ${SLOW_PAUSE_MS} milliseconds: time enough to cancel the ` +
  'turn, to close the page and come back to it, or to send another message while it runs. ';
/** Words of the user's message that the answer repeats. */
const ECHO_WORDS = 12;
const QUOTED_SOURCES = 3;

/** The key in `providerOptions` under which the engine passes the retrieved sources. */
export const OFFLINE_OPTIONS = 'parley';

export function offlineModel(modelId: string): LanguageModelV4 {
  return {
    specificationVersion: 'v4',
    provider: 'offline',
    modelId,
    supportedUrls: {},
    doGenerate: () => Promise.reject(new Error('the offline model only streams')),
    doStream: (options) => {
      const call = callIn(options);
      const stream = call ? callOf(call, options) : speak(options, modelId === SLOW_MODEL_ID);
      return Promise.resolve({ stream });
    },
  };
}

/** Provides the offline model to the SDK under any name. */
export const offlineProvider: ProviderV4 = {
  specificationVersion: 'v4',
  languageModel: offlineModel,
  embeddingModel: (modelId) => noSuchModel(modelId, 'embeddingModel'),
  imageModel: (modelId) => noSuchModel(modelId, 'imageModel'),
};

function noSuchModel(modelId: string, modelType: 'embeddingModel' | 'imageModel'): never {
  throw new NoSuchModelError({ modelId, modelType });
}

function speak(
  options: LanguageModelV4CallOptions,
  isSlow: boolean,
): ReadableStream<LanguageModelV4StreamPart> {
  const { answer, finish } = limited(
    (isSlow ? SLOW_INTRODUCTION : '') + answerTo(options),
    options,
  );
  const pauseMs = isSlow ? SLOW_PAUSE_MS : PAUSE_MS;
  const words = answer.match(/\s*\S+/gu) ?? [];
  let index = 0;
  return new ReadableStream<LanguageModelV4StreamPart>(
    {
      start(controller) {
        controller.enqueue({ type: 'stream-start', warnings: [] });
        controller.enqueue({ type: 'text-start', id: '0' });
      },
      async pull(controller) {
        if (index > 0) await sleep(pauseMs);
        if (options.abortSignal?.aborted) return controller.error(options.abortSignal.reason);
        const word = words[index++];
        if (word !== undefined)
          return controller.enqueue({ type: 'text-delta', id: '0', delta: word });
        controller.enqueue({ type: 'text-end', id: '0' });
        controller.enqueue({
          type: 'finish',
          finishReason: { unified: finish, raw: finish },
          usage: usageOf(options, answer),
        });
        controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}

/** Ends the answer where the request wants it: before a text of `stop`, or by its length. */
function limited(
  whole: string,
  { stopSequences = [], maxOutputTokens }: LanguageModelV4CallOptions,
): { answer: string; finish: 'stop' | 'length' } {
  const stops = stopSequences.map((text) => whole.indexOf(text)).filter((at) => at >= 0);
  const answer = whole.slice(0, Math.min(whole.length, ...stops));
  if (maxOutputTokens === undefined || estimateTokens(answer) <= maxOutputTokens)
    return { answer, finish: 'stop' };
  const words = answer.match(/\s*\S+/gu) ?? [];
  let cut = '';
  for (const word of words) {
    if (estimateTokens(cut + word) > maxOutputTokens) break;
    cut += word;
  }
  return { answer: cut, finish: 'length' };
}

function answerTo(options: LanguageModelV4CallOptions): string {
  const results = resultsIn(options);
  if (results !== undefined)
    return `This is parley's offline model: it shows what the tool answered, and adds nothing.\n\n${results}`;
  const sources = sourcesIn(options);
  if (sources) return quote(sources);
  const words = lastUserText(options).trim().split(/\s+/u);
  const echo = words.slice(0, ECHO_WORDS).join(' ') + (words.length > ECHO_WORDS ? ' …' : '');
  return `This is parley's offline model, which is no language model: nothing here is an answer to your question. You said: “${echo}”`;
}

function quote(sources: readonly Citation[]): string {
  if (sources.length === 0)
    return "This is parley's offline model: your documents hold no passage that fits this question.";
  const quotes = sources
    .slice(0, QUOTED_SOURCES)
    .map((source) => `“${withoutCitations(source.snippet.trim())}” [${source.n}]`);
  return `This is parley's offline model: it quotes the passages that fit best and adds nothing.\n\n${quotes.join('\n\n')}`;
}

/** Removes a passage's own references, which would count as our citations. */
function withoutCitations(text: string): string {
  return text.replace(/\[(\s*\d+(?:\s*,\s*\d+)*\s*)\]/gu, '［$1］');
}

function sourcesIn(options: LanguageModelV4CallOptions): Citation[] | undefined {
  // Only our own engine sets this.
  return options.providerOptions?.[OFFLINE_OPTIONS]?.['sources'] as Citation[] | undefined;
}

function lastUserText({ prompt }: LanguageModelV4CallOptions): string {
  const last = prompt.findLast((message) => message.role === 'user');
  if (!last) return '';
  return last.content.map((part) => (part.type === 'text' ? part.text : '')).join('');
}
