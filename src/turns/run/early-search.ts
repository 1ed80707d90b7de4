/**
 * A search for the question of a turn while the turn is claimed. The first question of a
 * conversation is searched for as it stands; what is found is used once the turn is accepted, by
 * nobody else, and costs a model nothing.
 */
import { userIdOf } from '../../core/principal.ts';
import { textOfInput } from '../accept/claim-input.ts';
import type { Passage, Retriever } from '../retriever.ts';
import type { TurnRequest } from '../turn-service.ts';
import { aboutOf, PASSAGES } from './retrieve-context.ts';

/** The question of a turn, and where it is searched for. */
export type Sought = Pick<
  Parameters<Retriever['retrieve']>[0],
  'userId' | 'conversationId' | 'query' | 'documentIds' | 'metadata'
>;

export class EarlySearch {
  readonly #name: string;
  readonly #stopping = new AbortController();
  readonly #found: Promise<Passage[] | undefined>;

  constructor(sought: Sought, retriever: Retriever) {
    this.#name = nameOf(sought);
    const { signal } = this.#stopping;
    // A search that fails is made again by the turn, which tells what is wrong.
    this.#found = retriever.retrieve({ ...sought, k: PASSAGES, signal }).catch(() => undefined);
  }

  /** Resolves with what was found for exactly this; with undefined where it has to be searched. */
  async find(sought: Sought): Promise<Passage[] | undefined> {
    if (this.#stopping.signal.aborted || nameOf(sought) !== this.#name) return undefined;
    return this.#found;
  }

  /** Ends the search: nothing that it finds is used from now on. */
  stop(): void {
    this.#stopping.abort();
  }
}

function nameOf({ userId, conversationId, query, documentIds, metadata }: Sought): string {
  return JSON.stringify([userId, conversationId, query, documentIds, metadata]);
}

/**
 * Begins to search for the question of a request that is likely to be the first of a conversation
 * in `rag` mode. Where a service embeds questions it is not asked for what may be refused.
 */
export function searchEarly(request: TurnRequest, retriever: Retriever): EarlySearch | undefined {
  const { conversationId, principal, searchesFor: userId } = request;
  if (userId === undefined || !retriever.isLocal) return undefined;
  // Without identity a request may name nobody; any other is of the user that it names.
  if ((userIdOf(principal) ?? userId) !== userId) return undefined;
  const query = textOfInput(request.input);
  if (query === '') return undefined;
  return new EarlySearch({ userId, conversationId, query, ...aboutOf(request) }, retriever);
}
