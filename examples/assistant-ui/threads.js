/** The threads of assistant-ui are parley's conversations: a list, and the messages of each. */
import { useAui } from '@assistant-ui/react';
import { useMemo } from 'react';

/**
 * Returns a `RemoteThreadListAdapter`.
 * @param server where parley is
 * @param headers who is calling: a credential, or `X-User-Id` while anybody may call
 * @param user whose conversations they are
 */
export function parleyThreads({ server, headers, user }) {
  const call = async (path, method = 'GET', body) => {
    const response = await fetch(server + path, {
      method,
      headers: { ...headers, ...(body ? { 'Content-Type': 'application/json' } : {}) },
      body: body && JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return response.json();
  };
  const read = (id) => call(`/conversations/${id}?format=ui&user_id=${user}`);

  return {
    async list() {
      const conversations = await call(`/conversations?user_id=${user}`);
      return { threads: conversations.map(threadOf) };
    },
    async initialize() {
      const { conversation_id: remoteId } = await call('/conversations', 'POST', { user_id: user });
      return { remoteId };
    },
    fetch: async (id) => threadOf(await read(id)),
    rename: (id, title) => call(`/conversations/${id}`, 'PATCH', { title }),
    delete: (id) => call(`/conversations/${id}`, 'DELETE'),
    archive: () => Promise.reject(new Error('conversations are kept or deleted')),
    /** The first message has made the title already. */
    async generateTitle(id) {
      const { title } = await read(id);
      return new ReadableStream({
        start(controller) {
          const path = [0];
          controller.enqueue({ type: 'part-start', part: { type: 'text' }, path: [] });
          controller.enqueue({ type: 'text-delta', textDelta: title ?? '', path });
          controller.enqueue({ type: 'part-finish', path });
          controller.close();
        },
      });
    },
    unstable_useAdapters: function useHistory() {
      const { threadListItem } = useAui();
      return useMemo(() => ({ history: historyOf(threadListItem, read) }), [threadListItem]);
    },
  };
}

function threadOf({ conversation_id: remoteId, title, updated_at }) {
  return {
    status: 'regular',
    remoteId,
    title: title ?? undefined,
    lastMessageAt: new Date(updated_at),
  };
}

/** Reads the messages of a thread. Nothing has to be written: a turn stores its messages itself. */
function historyOf(threadListItem, read) {
  const load = async () => {
    const { remoteId } = threadListItem.getState();
    if (!remoteId) return { messages: [] };
    const { messages } = await read(remoteId);
    return {
      headId: messages.at(-1)?.id ?? null,
      messages: messages.map((message, at) => ({
        parentId: messages[at - 1]?.id ?? null,
        message,
      })),
    };
  };
  const append = () => Promise.resolve();
  return { load, append, withFormat: () => ({ load, append }) };
}
