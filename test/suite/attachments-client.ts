/** Messages with files, and the models that read them. */
import { asRecord } from '../support/json.ts';
import { sent, type FileJson, type SentFile } from './files-client.ts';
import { suiteTarget, unique } from './target.ts';
import type { MessageJson } from './turns.ts';

const target = suiteTarget();

/** Models that take files, by what they are called in the catalogue. */
export const SEEING = {
  openai: 'gpt-4o-',
  groq: 'meta-llama/llama-4-',
  google: 'gemini-',
  /** Of a server of one's own that speaks as OpenAI does. */
  compatible: 'llava-',
  /** It hears, and does not see. */
  hearing: 'gpt-audio-',
  /** Nobody knows what it takes. */
  blind: 'model-',
} as const;

export interface Model {
  name: string;
  model: string;
}

/** Makes a model that takes what its name says. */
export async function modelThat(kind: keyof typeof SEEING, script: object = {}): Promise<Model> {
  const name = unique(SEEING[kind]);
  await target.upstream.script(name, { tokens: ['I ', 'see'], ...script });
  const provider = kind === 'groq' || kind === 'google' ? kind : 'openai';
  return { name, model: `${provider}/${name}` };
}

/** A user with a conversation. */
export interface Place {
  user_id: string;
  id: string;
}

export async function newPlace(fields: object = {}): Promise<Place> {
  const user_id = unique('user');
  const made = await target.call<{ conversation_id: string }>('/conversations', {
    json: { user_id, ...fields },
  });
  return { user_id, id: made.json.conversation_id };
}

export interface Answered {
  conversation_id: string;
  turn_id: string;
  status: string;
  code?: string;
  detail?: string;
  messages: StoredMessage[];
  errors?: { path: string; message: string }[];
}

export type StoredMessage = MessageJson & {
  attachments?: (FileJson & { url?: string })[];
};

/** Says something with files, which are sent first. */
export async function say(
  { id, user_id }: Place,
  {
    message,
    files = [],
    ...rest
  }: { message?: string; files?: SentFile[]; [field: string]: unknown },
) {
  const attachments = [];
  for (const file of files) attachments.push({ file_id: (await sent(file, user_id)).file_id });
  const given = files.length === 0 ? {} : { attachments };
  return target.call<Answered>(`/conversations/${id}/messages`, {
    json: { message, ...given, ...rest },
  });
}

/** The last body that a model was sent. */
export async function lastBody(name: string): Promise<Record<string, unknown>> {
  return asRecord((await target.upstream.requests(name)).at(-1)?.body);
}

/** The contents of the user's messages in the last request to a model. */
export async function userContents(name: string): Promise<unknown[]> {
  const { messages, contents } = await lastBody(name);
  const all = (messages ?? contents) as { role: string; content?: unknown; parts?: unknown }[];
  return all.filter(({ role }) => role === 'user').map(({ content, parts }) => content ?? parts);
}

export async function messagesOf({ id }: Place, query = ''): Promise<StoredMessage[]> {
  const { json } = await target.call<StoredMessage[]>(`/conversations/${id}/messages${query}`);
  return json;
}
