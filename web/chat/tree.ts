/** Changes the tree of messages: versions, branches, copies. */
import { call, callPage, send } from '../api/client.ts';
import type { Conversation, Message } from '../api/types.ts';
import { element } from '../shared/elements.ts';
import { notify } from '../shared/notices.ts';
import { tellTabs } from '../shared/tabs.ts';
import { say } from '../shared/words.ts';
import { putConversation } from '../sidebar/conversations.ts';
import { answer, change, currentId, load, open, restore, show, type Asked } from './chat.ts';
import * as transcript from './transcript.ts';

/** Answers a message again, in its place. */
export async function regenerate(message: Message, fields: object): Promise<void> {
  transcript.cutFrom(message.id);
  if (!(await answer(`/messages/${message.id}/regenerate`, { ...fields }))) await restore();
}

/** Says a message differently, in its place. @returns false where it was not accepted */
export async function edit(message: Message, fields: Asked): Promise<boolean> {
  transcript.cutFrom(message.id);
  const isAccepted = await answer(`/messages/${message.id}/edit`, fields);
  if (!isAccepted) await restore();
  return isAccepted;
}

/** Shows the version of a message before it, or after it. */
export async function switchTo(message: Message, step: -1 | 1): Promise<void> {
  const wanted = await findVersion(message, message.siblings.index + step);
  if (!wanted) return;
  await change({ head_message_id: wanted });
  const id = currentId();
  if (id) transcript.showVersion((await load(id)).messages, message.id, wanted);
}

/** Versions of a message come after what they follow: they are looked for from there on. */
async function findVersion(
  { parent_id: parent, ...message }: Message,
  index: number,
): Promise<string | undefined> {
  const before = transcript.loadedMessages().find(({ id }) => id === parent);
  const versions: Message[] = [];
  let path: string | undefined =
    `/conversations/${currentId()}/messages?tree=true&limit=200&cursor=${before?.sequence_number ?? 0}`;
  while (path !== undefined && versions.length < message.siblings.count) {
    const page: { items: Message[]; next?: string } = await callPage<Message>(path);
    versions.push(...page.items.filter(({ parent_id: one }) => one === parent));
    path = page.next;
  }
  return versions[index - 1]?.id;
}

/** Deletes a message with all that follows it. */
export async function remove(message: Message): Promise<void> {
  await send(`/messages/${message.id}`, { method: 'DELETE' });
  tellTabs(currentId());
  const id = currentId();
  if (id) show(await load(id));
  element('composer-text').focus();
}

/** Copies the path up to a message into a conversation of its own, and shows that. */
export async function fork(message: Message): Promise<void> {
  const json = { message_id: message.id };
  const made = await call<Conversation>(`/conversations/${currentId()}/fork`, { json });
  putConversation(made.conversation_id, made);
  await open(made.conversation_id);
  notify(say('forked'));
}
