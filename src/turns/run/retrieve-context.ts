/** The ground of a `rag` turn: what the user's documents say to the question, found before the model is asked. */
import type { LanguageModelV4Usage } from '@ai-sdk/provider';
import { contentOf, type Citation } from '../../core/parts.ts';
import { fittingPassages } from './build-prompt.ts';
import { unlessAborted } from '../accept/conversation-queue.ts';
import type { Passage } from '../retriever.ts';
import { searchQuery } from './rewrite-query.ts';
import type { RunDependencies, TurnJob } from './types.ts';

export interface RetrievedContext {
  /** What the model is given to read; undefined where a turn is not grounded. */
  passages: Passage[] | undefined;
  sources: Citation[] | undefined;
  /** Of the calls made to find out what to search for. */
  usage: (LanguageModelV4Usage | undefined)[];
}

/** Passages that a turn is grounded on, at most. */
const PASSAGES = 8;

const NOTHING: RetrievedContext = { passages: undefined, sources: undefined, usage: [] };

/**
 * Finds the passages for a turn in `rag` mode, and shows its readers the sources before the first delta: those that every model of the turn has room to read,
 * so that nothing else can be cited. A turn that is stopped meanwhile is grounded on nothing.
 * @throws ParleyError when the documents cannot be searched
 */
export async function ground(work: TurnJob, services: RunDependencies): Promise<RetrievedContext> {
  const { live, conversation, history, models } = work;
  if (conversation.mode !== 'rag') return NOTHING;
  // Nothing to search: no model is asked what for, either.
  if (!work.hasSearchableContent) return show(live, [], []);
  const signal = live.stopSignal;
  const { query, usage } = await searchQuery({ history, model: models[0], signal });
  const found = await find(work, query, services).catch((error: unknown) => {
    if (signal.aborted) return undefined;
    throw error;
  });
  if (!found) return { ...NOTHING, usage };
  const passages = fittingPassages(found, {
    question: contentOf(history.at(-1)?.parts ?? []),
    instructions: conversation.instructions,
    windows: models.map(({ window }) => window),
    settings: services.settings.context,
  });
  return show(live, passages, usage);
}

function show(
  live: TurnJob['live'],
  passages: Passage[],
  usage: RetrievedContext['usage'],
): RetrievedContext {
  const sources = passages.map(({ source }) => source);
  live.add({ type: 'sources', sources });
  return { passages, sources, usage };
}

/** Rejects as soon as the turn is stopped, whatever the search is waiting for. */
async function find(
  { live, conversation }: TurnJob,
  query: string,
  { retriever }: RunDependencies,
): Promise<Passage[]> {
  const { userId, id: conversationId } = conversation;
  const signal = live.stopSignal;
  signal.throwIfAborted();
  const request = { userId, conversationId, query, k: PASSAGES, signal };
  return unlessAborted(retriever.retrieve(request), signal);
}
