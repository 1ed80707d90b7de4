/**
 * The reader's conversations, newest first: loaded in pages, and changed as the page changes them.
 */
import { callPage } from '../api/client.ts';
import type { Conversation } from '../api/types.ts';
import { createSignal } from '../shared/signal.ts';

const PAGE = 200;

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

/** Loads the newest conversations. */
export async function loadConversations(): Promise<void> {
  const { items, next } = await callPage<Conversation>(`/conversations?limit=${PAGE}`);
  conversations.set({ items: items.filter(isShown), next, isLoaded: true });
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
  conversations.set({ items: [...items, ...more], next: page.next, isLoaded: true });
}

/** Loads all that is left, for a search by title. */
export async function loadAll(): Promise<void> {
  while (conversations.get().next !== undefined) await loadMore();
}

/** Returns a conversation as the list knows it. */
export function knownConversation(id: string): Conversation | undefined {
  return conversations.get().items.find(({ conversation_id: known }) => known === id);
}

/** Shows a conversation as it is now: in its place, or first where it is new. */
export function putConversation(id: string, change: Partial<Conversation>): void {
  const { items, ...rest } = conversations.get();
  const standard = {
    conversation_id: id,
    title: null,
    mode: 'open' as const,
    model: null,
    message_count: 0,
    created_at: new Date().toISOString(),
  };
  const isKnown = items.some(({ conversation_id: known }) => known === id);
  const changed = isKnown
    ? items.map((item) => (item.conversation_id === id ? { ...item, ...change } : item))
    : [{ ...standard, ...change }, ...items];
  conversations.set({ ...rest, items: changed });
}

/** Takes a conversation out of the list. @returns a function that puts it back */
export function hideConversation(id: string): () => void {
  hidden.add(id);
  const { items, ...rest } = conversations.get();
  const at = items.findIndex(({ conversation_id: known }) => known === id);
  const found = items[at];
  conversations.set({ ...rest, items: items.filter((item) => item !== found) });
  return () => {
    hidden.delete(id);
    const now = conversations.get();
    if (found) conversations.set({ ...now, items: now.items.toSpliced(at, 0, found) });
  };
}

function isShown({ conversation_id: id }: Conversation): boolean {
  return !hidden.has(id);
}
