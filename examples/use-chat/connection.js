/** The address of parley, the user and the chat; all of it can be in the page's address. */
const query = new URLSearchParams(location.search);

export const server = query.get('server') ?? 'http://127.0.0.1:8787';
export const model = query.get('model') ?? 'offline';
export const headers = { 'X-User-Id': query.get('user') ?? 'alice' };

// A reload, or another tab with the same address, is the same chat.
if (location.hash === '') history.replaceState(null, '', `#${crypto.randomUUID()}`);
export const id = location.hash.slice(1);

/** Reads the chat as it is stored; nothing of one that is new. */
export async function load() {
  const path = `${server}/conversations/${encodeURIComponent(id)}?format=ui`;
  const response = await fetch(path, { headers });
  if (response.status === 404) return [];
  if (!response.ok) throw new Error(await response.text());
  const { messages } = await response.json();
  return messages;
}

/** Reads the chat as soon as the server can be reached again. */
export async function loadWhenBack() {
  for (;;) {
    try {
      return await load();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

/** Stops the answer itself; `stop()` of useChat only stops listening to it. */
export function stopAnswer() {
  const path = `${server}/api/chat/${encodeURIComponent(id)}/stop`;
  return fetch(path, { method: 'POST', headers });
}
