/** The address of parley, the user and the chat; all of it can be in the page's address. */
const query = new URLSearchParams(location.search);

export const server = query.get('server') ?? 'http://127.0.0.1:8787';
export const model = query.get('model') ?? 'offline';
export const headers = { 'X-User-Id': query.get('user') ?? 'alice' };

// A reload, or another tab with the same address, is the same chat.
if (location.hash === '') history.replaceState(null, '', `#${crypto.randomUUID()}`);
export const id = location.hash.slice(1);

/** Reads the chat as it is stored, as soon as the server can be reached; nothing of a new one. */
export async function load() {
  for (;;) {
    const found = await tryToLoad().catch(() => undefined);
    if (found?.refusal) throw new Error(found.refusal);
    if (found) return found.messages;
    await pause();
  }
}

/** Waits a moment before something is tried again. */
export function pause() {
  return new Promise((resolve) => setTimeout(resolve, 500));
}

async function tryToLoad() {
  const path = `${server}/conversations/${encodeURIComponent(id)}?format=ui`;
  const response = await fetch(path, { headers });
  if (response.status === 404) return { messages: [] };
  if (response.status >= 500) return undefined;
  return response.ok ? response.json() : { refusal: await response.text() };
}

/** Stops the answer itself; `stop()` of useChat only stops listening to it. */
export function stopAnswer() {
  const path = `${server}/api/chat/${encodeURIComponent(id)}/stop`;
  return fetch(path, { method: 'POST', headers });
}

/** Says whether all that was said here has arrived: the last question, and what tools returned. */
export function hasArrived(messages, stored) {
  const question = messages.findLast(({ role }) => role === 'user');
  const stays = stored.find((message) => message.id === question?.id);
  if (!stays || textOf(stays) !== textOf(question)) return false;
  const waiting =
    stored
      .at(-1)
      ?.parts.filter(isWaiting)
      .map(({ toolCallId }) => toolCallId) ?? [];
  const parts = messages.at(-1)?.parts ?? [];
  return !parts.some((part) => waiting.includes(part.toolCallId) && !isWaiting(part));
}

/** Says whether a call waits for the page, or for its user's word. */
export function isWaiting({ state }) {
  return state === 'input-available' || state === 'approval-requested';
}

function textOf({ parts }) {
  return parts.map(({ type, text }) => (type === 'text' ? text : '')).join('');
}
