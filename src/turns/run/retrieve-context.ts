/**
 * Retrieves the context of a `rag` turn: passages of the user's documents, found before the model
 * is called.
 */
import type { LanguageModelV4Usage } from '@ai-sdk/provider';
import type { Citation } from '../../core/parts.ts';
import { fittingPassages } from './build-prompt.ts';
import { unlessAborted } from '../accept/conversation-queue.ts';
import type { OnEmbeddingCall } from '../../models/embeddings/registry.ts';
import type { Passage, Retriever } from '../retriever.ts';
import { questionIn, rewriteQuery } from './rewrite-query.ts';
import type { RunDependencies, TurnJob } from './types.ts';

export interface RetrievedContext {
  /** The passages that the model reads; undefined when the turn is not grounded. */
  passages: Passage[] | undefined;
  sources: Citation[] | undefined;
  /** The token counts of the calls that rewrote the query. */
  usage: (LanguageModelV4Usage | undefined)[];
}

/** The most passages that a turn is grounded on. */
const PASSAGES = 8;

const NOTHING: RetrievedContext = { passages: undefined, sources: undefined, usage: [] };

/**
 * Finds the passages for a turn in `rag` mode, and sends readers the sources before the first
 * delta. Only passages that fit every model of the turn are used, so nothing else can be cited. A
 * turn that is stopped meanwhile gets none.
 * @throws ParleyError when the documents cannot be searched
 */
export async function retrieveContext(
  job: TurnJob,
  dependencies: RunDependencies,
): Promise<RetrievedContext> {
  const { turn, conversation, history, models } = job;
  if (conversation.mode !== 'rag') return NOTHING;
  // Without documents there is nothing to search, so no model is called to rewrite the query.
  if (!job.hasSearchableContent) return show(turn, [], []);
  const signal = turn.stopSignal;
  const { query, usage } = await rewriteQuery({
    history,
    model: models[0],
    signal,
    calls: turn.calls,
  });
  const found = await find(job, query, dependencies).catch((error: unknown) => {
    if (signal.aborted) return undefined;
    throw error;
  });
  if (!found) return { ...NOTHING, usage };
  const passages = fittingPassages(found, {
    question: questionIn(history),
    instructions: job.parameters?.instructions ?? conversation.instructions,
    windows: models.map(({ window }) => window),
    settings: dependencies.settings.context,
  });
  return show(turn, passages, usage);
}

function show(
  turn: TurnJob['turn'],
  passages: Passage[],
  usage: RetrievedContext['usage'],
): RetrievedContext {
  const sources = passages.map(({ source }) => source);
  turn.add({ type: 'sources', sources });
  return { passages, sources, usage };
}

/** Searches for passages; rejects as soon as the turn is stopped. */
async function find(
  { turn, conversation }: TurnJob,
  query: string,
  { retriever }: RunDependencies,
): Promise<Passage[]> {
  const { userId, id: conversationId } = conversation;
  const signal = turn.stopSignal;
  signal.throwIfAborted();
  const request = { userId, conversationId, query, k: PASSAGES, signal };
  return unlessAborted(loggedRetriever(retriever, turn).retrieve(request), signal);
}

/** Returns a retriever that notes the calls of its searches as those of a turn. */
export function loggedRetriever(retriever: Retriever, { calls }: TurnJob['turn']): Retriever {
  const onCall: OnEmbeddingCall = (call) => calls.add(call);
  return { retrieve: (request) => retriever.retrieve({ ...request, onCall }) };
}
