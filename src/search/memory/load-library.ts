/** Reads a library into memory, and later what has changed in it. */
import type { Database } from '../../store/database.ts';
import {
  selectLibraryChunks,
  selectLibraryState,
  selectPublishedSince,
  selectVersions,
  type LibraryDocument,
  type LibraryState,
} from '../../store/search/libraries.ts';
import { batch } from '../../store/query.ts';
import type { Library } from './library.ts';
import { loadLanguages } from '../../text/languages.ts';

/**
 * Chunks that are read together: about ten milliseconds of work, after which others have a turn.
 */
const PAGE = 200;
/** The state of a user who has never had a document. */
const NO_LIBRARY: LibraryState = { revision: 0, chunks: 0 };

export interface LoadOptions {
  db: Database;
  userId: string;
  /** Lets other work go on between two pages. */
  pause: () => Promise<void>;
  /** Is asked after each page; false stops. */
  mayGoOn: (library: Library) => boolean;
}

/**
 * Brings a library up to date. It can be searched as soon as this resolves.
 * @returns false when it was stopped
 */
export async function loadLibrary(library: Library, options: LoadOptions): Promise<boolean> {
  const { db, userId, pause, mayGoOn } = options;
  const [[state = NO_LIBRARY], published] = await batch(
    db,
    [selectLibraryState(userId), selectPublishedSince(userId, library.revision)],
    'read',
  );
  await loadLanguages(published.map(({ language }) => language));
  const added = published.filter((document) => library.publish(document));
  // What was published is known, so a difference is what was deleted.
  if (library.liveChunks !== state.chunks) await forgetDeleted(library, options);
  for (const stretches of pagesOf(added)) {
    const [chunks] = await batch(db, [selectLibraryChunks(stretches)], 'read');
    library.add(chunks);
    if (!mayGoOn(library)) return false;
    await pause();
  }
  library.revision = state.revision;
  return true;
}

async function forgetDeleted(library: Library, { db, userId }: LoadOptions): Promise<void> {
  const [versions] = await batch(db, [selectVersions(userId)], 'read');
  library.keepOnly(new Set(versions.map(({ version }) => version)));
}

type Stretch = readonly [first: number, last: number];

/** Divides the chunks of documents into pages of stretches of ids. */
function* pagesOf(documents: readonly LibraryDocument[]): Generator<Stretch[]> {
  let page: Stretch[] = [];
  let room = PAGE;
  for (const { version, chunkCount } of documents) {
    for (let at = 0; at < chunkCount;) {
      const count = Math.min(chunkCount - at, room);
      page.push([version + at, version + at + count - 1]);
      at += count;
      room -= count;
      if (room > 0) continue;
      yield page;
      [page, room] = [[], PAGE];
    }
  }
  if (page.length > 0) yield page;
}
