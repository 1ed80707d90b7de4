/**
 * Retrieves the context of a `rag` turn: passages of the user's documents, found before the model
 * is called.
 */
import type { LanguageModelV4Usage } from '@ai-sdk/provider';
import type { Citation } from '../../core/parts.ts';
import { fittingPassages } from './build-prompt.ts';
import { instructionsOf } from './instructions.ts';
import { unlessAborted } from '../accept/conversation-queue.ts';
import type { OnEmbeddingCall } from '../../models/embeddings/registry.ts';
import { retrievalOf, type WorkTrace } from '../../models/work-trace.ts';
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
export const PASSAGES = 8;

/** The span of a search: it tells neither the query nor what was found. */
const RETRIEVAL = retrievalOf(PASSAGES);

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
  const { queries, usage } = await rewriteQuery({
    history,
    model: models[0],
    signal,
    calls: turn.calls,
    trace: job.trace,
  });
  const search = (below?: WorkTrace) => find(job, { queries, below }, dependencies);
  const found = await (job.trace?.work.step(RETRIEVAL, search) ?? search()).catch(
    (error: unknown) => {
      if (signal.aborted) return undefined;
      throw error;
    },
  );
  if (!found) return { ...NOTHING, usage };
  const passages = fittingPassages(found, {
    question: questionIn(history),
    instructions: instructionsOf(job),
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

/**
 * Searches for passages by each of the queries, and takes turns between their lists; rejects as
 * soon as the turn is stopped.
 */
async function find(
  job: TurnJob,
  { queries, below }: { queries: readonly string[]; below: WorkTrace | undefined },
  { retriever }: RunDependencies,
): Promise<Passage[]> {
  const { userId, id: conversationId } = job.conversation;
  const signal = job.turn.stopSignal;
  signal.throwIfAborted();
  const logged = retrieverFor(job, retriever, below);
  const searches = queries.map(async (query) => {
    const sought = { userId, conversationId, query };
    const early = await job.early?.find({ ...sought, ...aboutOf(job) });
    return early ?? logged.retrieve({ ...sought, k: PASSAGES, signal });
  });
  return merged(await unlessAborted(Promise.all(searches), signal));
}

/** Takes the best of each list, then the second of each, and so on, without repetitions. */
function merged(lists: readonly Passage[][]): Passage[] {
  const [only] = lists;
  if (only && lists.length === 1) return only;
  const byChunk = new Map<string, Passage>();
  for (let at = 0; at < PASSAGES; at++)
    for (const passage of lists.flatMap((list) => list[at] ?? []))
      if (!byChunk.has(passage.source.chunk_id)) byChunk.set(passage.source.chunk_id, passage);
  return [...byChunk.values()].slice(0, PASSAGES).map(({ source, ...passage }, at) => ({
    ...passage,
    source: { ...source, n: at + 1 },
  }));
}

/**
 * Returns a retriever that searches the documents which a turn is about, and notes the calls of its
 * searches as those of the turn.
 * @param below where they are told of; directly below the turn when it is left out
 */
export function retrieverFor(job: TurnJob, retriever: Retriever, below?: WorkTrace): Retriever {
  const onCall: OnEmbeddingCall = (call) => {
    job.turn.calls.add(call);
    (below ?? job.trace?.work)?.embedded(call);
  };
  const { isLocal } = retriever;
  const about = aboutOf(job);
  return { isLocal, retrieve: (request) => retriever.retrieve({ ...request, ...about, onCall }) };
}

/** Returns which documents a turn with these parameters is about. */
export function aboutOf({ parameters }: { parameters?: TurnJob['parameters'] }) {
  return { documentIds: parameters?.document_ids, metadata: parameters?.document_metadata };
}
