/**
 * The reader's conversations by their last change: loaded in pages, and changed as the page changes
 * them.
 */
import { callPage } from '../api/client.ts';
import type { Conversation } from '../api/types.ts';
import { createSignal } from '../shared/signal.ts';

const PAGE = 200;
/** Milliseconds after which the rest is loaded, so that what is seen first comes first. */
const REST_MS = 1_000;

interface Known {
  items: readonly Conversation[];
  /** The path of the page after the last; undefined where all are here. */
  next?: string | undefined;
  isLoaded: boolean;
}

/** The conversations that are known. */
export const conversations = createSignal<Known>({ items: [], isLoaded: false });
/** Those that are about to be deleted, and are not shown. */
const hidden = new Set<string>();
/** The page that is on its way: whoever wants more waits for the same one. */
let loading: Promise<void> | undefined;

/**
 * Loads the newest conversations. Others that are known stay, unless all are to be loaded anew. The
 * API lists them as they were made: an old one that was changed lately is in a later page.
 */
export async function loadConversations({ isWhole = false } = {}): Promise<void> {
  const { items, next } = await callPage<Conversation>(`/conversations?limit=${PAGE}`);
  const known = conversations.get();
  const last = items.at(-1)?.conversation_id ?? '';
  const older = isWhole || next === undefined ? [] : known.items.filter(isBefore(last));
  conversations.set({
    items: inOrder([...items.filter(isShown), ...older]),
    next: older.length > 0 ? known.next : next,
    isLoaded: true,
  });
  setTimeout(() => void loadAll().catch(() => {}), REST_MS);
}

/** Ids begin with the time at which they were made. */
function isBefore(last: string) {
  return ({ conversation_id: id }: Conversation) => id < last;
}

/** Loads the page after the last; does nothing where there is none. */
export function loadMore(): Promise<void> {
  const { next } = conversations.get();
  if (next === undefined) return Promise.resolve();
  loading ??= load(next).finally(() => (loading = undefined));
  return loading;
}

async function load(path: string): Promise<void> {
  const page = await callPage<Conversation>(path);
  const { items } = conversations.get();
  const known = new Set(items.map(({ conversation_id: id }) => id));
  const more = page.items.filter((item) => isShown(item) && !known.has(item.conversation_id));
  conversations.set({ items: inOrder([...items, ...more]), next: page.next, isLoaded: true });
}

/** Those that were changed last come first. */
function inOrder(items: readonly Conversation[]): readonly Conversation[] {
  return items.toSorted(({ updated_at: one }, { updated_at: other }) =>
    one < other ? 1 : one > other ? -1 : 0,
  );
}

/** Loads all that is left: any of them may be the one that was changed last. */
export async function loadAll(): Promise<void> {
  while (conversations.get().next !== undefined) await loadMore();
}

/** Returns a conversation as the list knows it. */
export function knownConversation(id: string): Conversation | undefined {
  return conversations.get().items.find(({ conversation_id: known }) => known === id);
}

/** Returns the time, and no earlier one than the list has: a clock may be wrong. */
export function newestTime(): string {
  const now = new Date().toISOString();
  const { updated_at: last = now } = conversations.get().items[0] ?? {};
  return last > now ? last : now;
}

/** Shows a conversation as it is now, in its place by its last change. */
export function putConversation(id: string, change: Partial<Conversation>): void {
  const { items, ...rest } = conversations.get();
  const now = newestTime();
  const standard = {
    conversation_id: id,
    title: null,
    mode: 'open' as const,
    model: null,
    message_count: 0,
    created_at: now,
    updated_at: now,
  };
  const known = items.find(({ conversation_id: one }) => one === id);
  const others = items.filter((item) => item !== known);
  const changed = { ...standard, ...known, ...change };
  conversations.set({ ...rest, items: inOrder([changed, ...others]) });
}

/** Takes a conversation out of the list. @returns a function that puts it back */
export function hideConversation(id: string): () => void {
  hidden.add(id);
  const { items, ...rest } = conversations.get();
  const found = items.find(({ conversation_id: known }) => known === id);
  conversations.set({ ...rest, items: items.filter((item) => item !== found) });
  return () => {
    hidden.delete(id);
    const now = conversations.get();
    if (found) conversations.set({ ...now, items: inOrder([found, ...now.items]) });
  };
}

function isShown({ conversation_id: id }: Conversation): boolean {
  return !hidden.has(id);
}
