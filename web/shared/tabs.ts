/** Tells the other tabs of this browser what has changed. */
const channel = new BroadcastChannel('parley');

/** Tells other tabs that a conversation was changed, or the list of them where none is named. */
export function tellTabs(conversationId?: string): void {
  // The rule is about windows: a channel has no other origin.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  channel.postMessage(conversationId ?? '');
}

/** Calls with the conversation that another tab has changed. */
export function hearTabs(changed: (conversationId: string) => void): void {
  channel.addEventListener('message', ({ data }: MessageEvent<string>) => changed(data));
}
