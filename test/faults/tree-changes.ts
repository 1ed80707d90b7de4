/**
 * Changes to a tree as clients ask for them, chosen at random, and a model that tells which path it
 * was shown.
 */
import { asArray, asRecord, asText } from '../support/json.ts';
import { openStream } from '../support/sse.ts';
import type { Script } from '../support/upstream.ts';
import { readAll, type Client, type StoredMessage, type Told, type Tree } from './client.ts';
import type { Random } from './random.ts';
import { awkwardMessage } from './texts.ts';
import { pathTo } from './tree.ts';
import { must, mustEqual } from './violation.ts';

export type ChangeKind =
  | 'say'
  | 'branch'
  | 'begin'
  | 'regenerate'
  | 'edit'
  | 'switch'
  | 'delete'
  | 'fork';

export interface Change {
  kind: ChangeKind;
  method: 'POST' | 'PATCH' | 'DELETE';
  path: string;
  body: Record<string, unknown> | undefined;
  key: string;
  /** The message that it names; empty where it names none. */
  target: string;
  /** What the user says in it; empty where nothing. */
  text: string;
  /** How many messages it adds to its conversation. */
  adds: 0 | 1 | 2;
  onBusy: string;
}

/** What became of a change. */
export interface Outcome {
  /** 0: no answer came. */
  status: number;
  errorCode: string;
  /** Of a change that is a turn. */
  told: Told | undefined;
  /** Of a fork: the new conversation. */
  forkId: string;
}

export interface ChangeOptions {
  model: string | undefined;
  kinds: readonly [ChangeKind, ...ChangeKind[]];
  policies: readonly [string, ...string[]];
}

/** The first word of what a user says is like no other. */
const WORD = /\b[a-z]{16}\b/u;

export function randomChange(random: Random, tree: Tree, options: ChangeOptions): Change {
  const [answers, questions] = ['assistant', 'user'].map((role) =>
    tree.all.map(({ message }) => message).filter((message) => message.role === role),
  );
  const any = pick(
    random,
    tree.all.map(({ message }) => message),
  );
  const answer = pick(random, answers);
  const question = pick(random, questions);
  const text = awkwardMessage(random);
  const onBusy = random.pick(options.policies);
  const turn = { model: options.model, on_busy: onBusy };
  const messages = `/conversations/${tree.id}/messages`;
  const kind = random.pick(options.kinds);
  const common = {
    kind,
    key: random.word(),
    onBusy,
    target: '',
    text: '',
    method: 'POST' as const,
  };
  const saying = { ...common, path: messages, text, adds: 2 as const };
  if (kind === 'branch' && answer) {
    const body = { ...turn, message: text, parent_message_id: answer.id };
    return { ...saying, body, target: answer.id };
  }
  if (kind === 'edit' && question) {
    const path = `/messages/${question.id}/edit`;
    return { ...saying, path, body: { ...turn, message: text }, target: question.id };
  }
  if (any === undefined || kind === 'say') return { ...saying, body: { ...turn, message: text } };
  const { id } = any;
  const naming = { ...common, target: id, adds: 0 as const };
  if (kind === 'regenerate')
    return { ...naming, path: `/messages/${id}/regenerate`, body: turn, adds: 1 };
  if (kind === 'switch')
    return {
      ...naming,
      method: 'PATCH',
      path: `/conversations/${tree.id}`,
      body: { head_message_id: id, on_busy: onBusy },
    };
  if (kind === 'delete')
    return {
      ...naming,
      method: 'DELETE',
      path: `/messages/${id}?on_busy=${onBusy}`,
      body: undefined,
    };
  if (kind === 'fork')
    return {
      ...naming,
      path: `/conversations/${tree.id}/fork`,
      body: { message_id: id, on_busy: onBusy },
    };
  return { ...saying, body: { ...turn, message: text, parent_message_id: null } };
}

function pick(random: Random, messages: StoredMessage[] | undefined): StoredMessage | undefined {
  return messages?.[random.below(Math.max(1, messages.length))];
}

/** Asks for a change; never throws for an answer that does not come. */
export async function perform(client: Client, change: Change): Promise<Outcome> {
  const { method, path, body, key } = change;
  const headers = { 'idempotency-key': key };
  if (change.adds > 0) {
    const stream = await openStream(client.url + path, { json: body, headers }).catch(
      () => undefined,
    );
    const told = stream && (await readAll(stream));
    return { status: told?.status ?? 0, errorCode: told?.errorCode ?? '', told, forkId: '' };
  }
  const isPost = method === 'POST';
  const answer = await client
    .call(path, { method, json: body, timeoutMs: 60_000, ...(isPost && { headers }) })
    .catch((error: unknown) => {
      if (error instanceof Error && error.name === 'Violation') throw error;
    });
  const json = asRecord(answer?.json);
  return {
    status: answer?.status ?? 0,
    errorCode: asText(json['code']),
    told: undefined,
    forkId: change.kind === 'fork' ? asText(json['conversation_id']) : '',
  };
}

/** A model that says the first word of each user message that it was sent, newest first. */
export function recalling(delayMs: number): Script {
  return (body) => ({ tokens: wordsSent(body), delayMs: { first: delayMs, between: delayMs } });
}

function wordsSent(body: unknown): string[] {
  const texts = asArray(asRecord(body)['messages'])
    .map(asRecord)
    .filter(({ role }) => role === 'user')
    .map(({ content }) => (typeof content === 'string' ? content : JSON.stringify(content)));
  const words = texts.join(' ').match(new RegExp(WORD, 'gu')) ?? [];
  return words.toReversed().map((word) => `${word} `);
}

/** User messages that a model is surely shown, of a path that has as many. */
const SURELY_SHOWN = 10;

/**
 * @throws Violation unless each answer of {@link recalling} tells the path to its question and no
 * other
 */
export function mustRecallPaths(tree: Tree): void {
  for (const { message } of tree.all) {
    if (message.role === 'user') continue;
    const words = pathTo(tree, message.parentId)
      .filter(({ role }) => role === 'user')
      .map(({ content }) => `${WORD.exec(content)?.[0] ?? ''} `)
      .toReversed();
    const { content, status, sequenceNumber } = message;
    const isPrefix = words.join('').startsWith(content);
    must(isPrefix, `answer ${sequenceNumber} was shown another path: ${content}`);
    if (status !== 'complete') continue;
    const shown = content.split(' ').length - 1;
    must(shown >= Math.min(words.length, SURELY_SHOWN), `answer ${sequenceNumber} saw too little`);
  }
}

/**
 * @throws Violation unless the messages that were there before are as they were, but for those that
 * may be deleted
 */
export function mustKeep(before: Tree, after: Tree, deletable: ReadonlySet<string>): void {
  const now = new Map(after.all.map(({ message }) => [message.id, message]));
  for (const { message } of before.all) {
    const found = now.get(message.id);
    if (found === undefined && deletable.has(message.id)) continue;
    mustEqual(found, message, 'a message that nobody deleted');
  }
}
