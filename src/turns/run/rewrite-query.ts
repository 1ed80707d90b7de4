/**
 * Rewrites the last message as a query that makes sense without the conversation, so that "and the
 * second one?" finds what it means.
 */
import type {
  LanguageModelV4CallOptions,
  LanguageModelV4Prompt,
  LanguageModelV4Usage,
} from '@ai-sdk/provider';
import { textOf, type ContextMessage } from '../../core/context.ts';
import { isOffline } from '../../models/chat/catalog.ts';
import type { ChatModel } from '../../models/chat/registry.ts';
import { isRefusedByStatus } from '../../models/service-error.ts';
import type { CallLog } from './call-log.ts';
import type { StepResult } from './model-step.ts';
import type { TurnTrace } from './turn-trace.ts';

export interface RewrittenQuery {
  /**
   * The queries to search for, the most telling first. The message itself is among them, so that a
   * bad rewriting loses nothing.
   */
  queries: string[];
  usage: (LanguageModelV4Usage | undefined)[];
}

/**
 * The messages that a model reads to rewrite a query, and how many UTF-16 units of each: enough to
 * find what "it" is several questions later.
 */
const HISTORY_MESSAGES = 14;
const MESSAGE_LENGTH = 1_000;
const LONGEST_QUERY = 1_000;
/** The longest wait for a rewritten query, in milliseconds. */
const REWRITE_TIMEOUT_MS = 5_000;
/**
 * A message of at least so many words is taken to make sense by itself. In scripts without spaces
 * two characters count as a word.
 */
const WORDS_OF_A_FULL_QUESTION = 10;
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/gu;

const INSTRUCTIONS =
  'You rewrite the last message of a conversation as one search query ' +
  'that can be understood without the conversation. ' +
  'Replace pronouns and references by what they stand for. Keep the language. ' +
  'Answer with the query alone.';

interface Rewriting {
  /** Oldest first, the new message last. */
  history: readonly ContextMessage[];
  model: ChatModel;
  signal: AbortSignal;
  /** Takes note of the call. */
  calls: CallLog;
  /** Undefined where nobody watches. */
  trace?: TurnTrace | undefined;
}

/** Returns the queries to search for. */
export async function rewriteQuery(rewriting: Rewriting): Promise<RewrittenQuery> {
  const { history, model } = rewriting;
  const last = questionIn(history);
  const isFirst = history.filter((message) => message.role === 'user').length < 2;
  if (isFirst) return { queries: [last], usage: [] };
  const rewritten = isOffline(model.name) ? undefined : await rewrite(rewriting);
  if (!rewritten) return { queries: withLastTurn(history, last), usage: [] };
  return { queries: [...new Set([rewritten.query, last])], usage: rewritten.usage };
}

/** Returns the text of the last question; the model's calls and their results may follow it. */
export function questionIn(history: readonly ContextMessage[]): string {
  const question = questionOf(history);
  return question ? textOf(question) : '';
}

function questionOf(history: readonly ContextMessage[]): ContextMessage | undefined {
  return history.findLast((message) => message.role === 'user');
}

/**
 * Returns queries without calling a model: the message joined to the one before it, which replaces
 * a short message and is searched beside a long one.
 */
function withLastTurn(history: readonly ContextMessage[], last: string): string[] {
  const before = history.findLast(
    (message) => message.role === 'user' && message !== questionOf(history),
  );
  if (!before) return [last];
  const joined = `${textOf(before).slice(0, MESSAGE_LENGTH)}\n${last}`;
  return lengthOf(last) >= WORDS_OF_A_FULL_QUESTION ? [last, joined] : [joined];
}

/** Returns the length of a message in words. */
function lengthOf(message: string): number {
  const unspaced = message.match(UNSPACED)?.length ?? 0;
  return message.trim().split(/\s+/u).length + unspaced / 2;
}

/** A query as the model wrote it. */
interface Rewritten {
  query: string;
  usage: RewrittenQuery['usage'];
}

/**
 * Lets the model rewrite the query. Returns undefined when it fails or takes too long, since a
 * worse query is better than a late or failed turn.
 */
async function rewrite({
  history,
  model,
  signal,
  calls,
  trace,
}: Rewriting): Promise<Rewritten | undefined> {
  const lines = history
    .slice(-HISTORY_MESSAGES)
    .map((message) => `${message.role}: ${textOf(message).slice(0, MESSAGE_LENGTH)}`);
  const prompt: LanguageModelV4Prompt = [
    { role: 'system', content: INSTRUCTIONS },
    { role: 'user', content: [{ type: 'text', text: lines.join('\n') }] },
  ];
  const abortSignal = AbortSignal.any([signal, AbortSignal.timeout(REWRITE_TIMEOUT_MS)]);
  const traced = trace?.beginCall();
  const answer = await ask(model, { prompt, abortSignal, headers: traced?.headers });
  if (traced) trace?.endCall(traced, { model, parameters: {}, modality: 'text' }, answer);
  const { query: said, usage: reported, error } = answer;
  const isRefused = isRefusedByStatus(error);
  calls.add({ kind: 'rewrite', model: model.name, reported, prompt, said, isRefused });
  const query = said.trim();
  return answer.finish !== undefined && query !== '' ? { query, usage: [reported] } : undefined;
}

/** Asks the model once. It never throws: the answer says how it went. */
async function ask(model: ChatModel, options: LanguageModelV4CallOptions): Promise<Answer> {
  const answer: Answer = { query: '', usage: undefined, finish: undefined };
  try {
    const { stream } = await (await model.load()).doStream(options);
    await collect(stream, answer);
  } catch (error) {
    answer.error = error;
    answer.finish = undefined;
  }
  return answer;
}

interface Answer extends Pick<StepResult, 'finish' | 'usage' | 'error'> {
  query: string;
}

/** Reads the stream of a model into `answer`, up to its finish, an error, or too long a query. */
async function collect(
  stream: Awaited<ReturnType<Awaited<ReturnType<ChatModel['load']>>['doStream']>>['stream'],
  answer: Answer,
): Promise<void> {
  for await (const part of stream) {
    if (part.type === 'text-delta') answer.query += part.delta;
    if (part.type === 'error') throw part.error;
    if (answer.query.length > LONGEST_QUERY) return;
    if (part.type !== 'finish') continue;
    answer.usage = part.usage;
    answer.finish = part.finishReason.unified;
    return;
  }
}
