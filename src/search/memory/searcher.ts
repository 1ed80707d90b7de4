/** A searcher that remembers the libraries of those who search, as far as they fit in memory. */
import type { Statement } from '../../store/database.ts';
import { keywordQuery } from '../fts-query.ts';
import { isStopWord } from '../../text/words.ts';
import {
  embedQuestion,
  searchFor,
  type Question,
  type RetrievalRequest,
  type Searcher,
  type SearchServices,
} from '../retrieve.ts';
import type { Passage } from '../passage.ts';
import { Libraries, type LibrariesOptions } from './libraries.ts';
import type { Library } from './library.ts';
import { searchLibrary } from './search-library.ts';

type Options = SearchServices & Pick<LibrariesOptions, 'mostBytes' | 'pause'>;

/**
 * Searches in memory where it can, and by the statements of the database while a library is read,
 * when it is too large, and for what memory does not hold. Both give the same results.
 */
export class RememberingSearcher implements Searcher {
  readonly #services: SearchServices;
  readonly libraries: Libraries;

  constructor(options: Options) {
    this.#services = options;
    this.libraries = new Libraries(options);
  }

  async search(
    request: RetrievalRequest,
    options: Parameters<Searcher['search']>[1],
  ): Promise<Passage[]> {
    const question = await embedQuestion(request, this.#services, options);
    return this.searchFor(question, request, options.alongside?.());
  }

  /**
   * Searches for a question that is embedded.
   * @param written statements to be stored with the search
   * @throws ParleyError as `searchFor` does
   */
  async searchFor(
    question: Question,
    request: RetrievalRequest,
    written: readonly Statement[] = [],
  ): Promise<Passage[]> {
    const { db } = this.#services;
    if (written.length > 0) await db.batch(written, 'write');
    return (await this.#inMemory(question, request)) ?? searchFor(question, request, { db });
  }

  /** @returns undefined when the statements have to answer */
  async #inMemory(question: Question, request: RetrievalRequest): Promise<Passage[] | undefined> {
    const { userId } = request;
    if (!isRemembered(question, request)) return undefined;
    for (const isFresh of [false, true, true]) {
      if (isFresh) await this.libraries.refresh(userId);
      const library = this.libraries.get(userId);
      if (!library || !isComparable(library, question)) return undefined;
      const { db } = this.#services;
      const found = await searchLibrary({ library, question, request, db, isFresh });
      if (found) return found;
    }
    return undefined;
  }
}

/** Metadata is not in memory, and neither are function words, which are searched for alone. */
function isRemembered({ mode }: Question, { query, metadata }: RetrievalRequest): boolean {
  const hasContent = keywordQuery(query).words.some((word) => !isStopWord(word));
  return (mode === 'vector' || hasContent) && Object.keys(metadata ?? {}).length === 0;
}

function isComparable({ dimension, documents, live }: Library, question: Question): boolean {
  const { vector, earlier } = question;
  if (!vector) return true;
  const isEarlier = (model: string | null) => earlier.some(({ space }) => space.model === model);
  return (
    (dimension === 0 || vector.length === dimension) &&
    !documents.some(({ embeddingModel }, place) => live[place] === 1 && isEarlier(embeddingModel))
  );
}
