/**
 * What is done while the database fails one request; each scenario checks what its clients are
 * told.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DatabaseFailure } from '../../support/database-proxy.ts';
import { asArray, asRecord } from '../../support/json.ts';
import { eventSourceLike } from '../../support/event-source.ts';
import type { Rounds } from '../case.ts';
import { readAll, textOf, type Client, type Told } from '../client.ts';
import { mustAgree, mustBeWhole } from '../invariants.ts';
import { awkwardMessage, awkwardTokens } from '../texts.ts';
import { must, mustEqual } from '../violation.ts';
import { ownOf, type World } from '../world.ts';

/** Failures that pass: a single one must not be seen by anybody. */
export const passing: DatabaseFailure[] = [
  'refuse',
  'cut-before',
  'cut-after',
  'cut-middle',
  '500',
  '502',
  'busy',
  'stream-expired',
  'io-error',
];
export const refusing: DatabaseFailure[] = ['full', 'readonly', 'blocked'];
export const hanging: DatabaseFailure[] = ['hang', 'hang-after'];

export interface Scene {
  world: World;
  rounds: Rounds;
  userId: string;
  conversationId: string;
  how: DatabaseFailure | undefined;
  /** From here on nothing fails and nothing is counted: what follows is the case's own looking. */
  heal(): void;
}

/** Does something against a failing database, checks it, and answers what must then be stored. */
export type Scenario = (
  scene: Scene,
) => Promise<{ acknowledged: string[]; unsure?: string[]; answers?: Map<string, string> }>;

/** A turn; a client that is refused with 503 comes again with its key. */
const turn =
  (count: number, between: number): Scenario =>
  async (scene) => {
    const { world, rounds, userId, conversationId } = scene;
    const { client } = world;
    const message = awkwardMessage(rounds.random);
    const tokens = awkwardTokens(rounds.random, count);
    const model = world.model({ tokens, delayMs: { between } });
    const ask = { conversationId, userId, message, model, key: rounds.random.word() };
    const told = await untilAccepted(scene, () => client.streamTurn(ask), model);
    mustBeWhole(told);
    scene.heal();
    const state = await client.ended(told.turnId, world.leaseMs + 2_000);
    if (told.errorCode === 'not_stored') {
      must(!isPassing(scene.how), 'a passing failure of the database lost the end of a turn');
      must(state.status === 'interrupted', `status ${state.status} of a turn that was not stored`);
    } else {
      mustEqual(told.message?.status, 'complete', `the turn (${told.errorCode})`);
      mustAgree(told, state.message);
    }
    mustEqual(ownOf(world).calls(model), 1, 'calls of the model (I9)');
    return { acknowledged: [message], answers: new Map([[message, tokens.join('')]]) };
  };

/** Asks again after each 503 or 409 that says when, as a good client does. */
async function untilAccepted(
  { world, how }: Scene,
  ask: () => Promise<Told>,
  model: string | undefined,
): Promise<Told> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const told = await ask();
    if (told.status === 200) return told;
    must(told.status === 503 || told.status === 409, `status ${told.status} (${told.errorCode})`);
    must(!isPassing(how), `a passing failure of the database was answered with ${told.status}`);
    must(told.retryAfter !== undefined, `${told.status} without Retry-After`);
    mustEqual(ownOf(world).calls(model), 0, 'calls of the model before the turn was accepted');
    must(Date.now() < deadline, 'the turn was never accepted');
    await sleep(Math.min(told.retryAfter, 3) * 1000);
  }
}

const isPassing = (how: DatabaseFailure | undefined) => how !== undefined && passing.includes(how);

/** Runs a turn and stops it in its middle. */
const cancelled: Scenario = async (scene) => {
  const { world, rounds, userId, conversationId, how } = scene;
  const { client } = world;
  const message = awkwardMessage(rounds.random);
  const tokens = awkwardTokens(rounds.random, 40);
  const model = world.model({ tokens, delayMs: { between: 100 } });
  const ask = { conversationId, userId, message, model, key: rounds.random.word() };
  const stream = await client.openTurn(ask);
  if (stream.status !== 200) {
    must(!isPassing(how), `a passing failure was answered with ${stream.status}`);
    stream.close();
    return { acknowledged: [], unsure: [message] };
  }
  const turnId = String(stream.headers['x-turn-id']);
  await stream.next('message.delta');
  const answer = await again(how, () => client.call(`/turns/${turnId}/cancel`, { method: 'POST' }));
  mustEqual(answer.status, 200, 'cancel');
  await stream.collect(20_000);
  scene.heal();
  const state = await client.ended(turnId, world.leaseMs + 2_000);
  // A cancel that hangs may come when all has been said.
  const ends = isPassing(how) ? ['cancelled'] : ['cancelled', 'interrupted', 'complete'];
  must(ends.includes(state.status), `status ${state.status} of a cancelled turn`);
  return { acknowledged: [message], answers: new Map([[message, tokens.join('')]]) };
};

/** The same call once more where the failure may be told to the client. */
async function again(how: DatabaseFailure | undefined, call: () => ReturnType<Client['call']>) {
  const answer = await call();
  if (answer.status !== 503) return answer;
  must(!isPassing(how), `a passing failure of the database was answered with 503`);
  return call();
}

/** Replays a finished turn, whole and from a cursor. */
const replayed: Scenario = async ({ world, rounds, userId, conversationId, how }) => {
  const { client } = world;
  const message = awkwardMessage(rounds.random);
  const tokens = awkwardTokens(rounds.random, 5);
  const told = await client.streamTurn({
    conversationId,
    userId,
    message,
    model: world.model({ tokens }),
  });
  if (told.status !== 200) {
    must(!isPassing(how), `a passing failure was answered with ${told.status}`);
    return { acknowledged: [], unsure: [message] };
  }
  for (let tries = 0; tries < 2; tries += 1) {
    const replay = await client.follow(told.turnId, told.events[1]?.id);
    if (replay.status !== 503) mustEqual(replay.status, 200, 'a resume');
    else must(!isPassing(how), 'a passing failure was answered with 503');
  }
  return { acknowledged: [message] };
};

/** Deletes a conversation while a turn runs in it. */
const deleted: Scenario = async ({ world, rounds, userId, how }) => {
  const { client } = world;
  const tokens = awkwardTokens(rounds.random, 30);
  const model = world.model({ tokens, delayMs: { between: 100 } });
  const ask = { userId, message: awkwardMessage(rounds.random), model };
  const stream = await client.openTurn(ask);
  if (stream.status !== 200) {
    must(!isPassing(how), `a passing failure was answered with ${stream.status}`);
    stream.close();
    return { acknowledged: [] };
  }
  const id = String(stream.headers['x-conversation-id']);
  await stream.next('message.delta');
  const answer = await again(how, () => client.call(`/conversations/${id}`, { method: 'DELETE' }));
  const mayBeGone = !isPassing(how) && answer.status === 404;
  must(answer.status === 200 || mayBeGone, `DELETE answered ${answer.status}`);
  const { events } = await stream.collect(20_000);
  const names = events.map((event) => event.type);
  const ends = isPassing(how) ? ['turn.cancelled'] : ['turn.cancelled', 'turn.failed'];
  // A deletion that hangs may come when all has been said.
  if (how !== undefined && hanging.includes(how)) ends.push('turn.completed');
  must(names.at(-1) === 'done' && ends.includes(names.at(-2) ?? ''), `events ${names.join()}`);
  const gone = await again(how, () => client.call(`/conversations/${id}`));
  mustEqual(gone.status, 404, 'the deleted conversation');
  return { acknowledged: [] };
};

/** A second turn interrupts the first. */
const interrupted: Scenario = async (scene) => {
  const { world, rounds, userId, conversationId, how } = scene;
  const { client } = world;
  const messages = [awkwardMessage(rounds.random), awkwardMessage(rounds.random)] as const;
  const tokens = awkwardTokens(rounds.random, 60);
  const slow = world.model({ tokens, delayMs: { between: 100 } });
  const stream = await client.openTurn({
    conversationId,
    userId,
    message: messages[0],
    model: slow,
  });
  if (stream.status !== 200) {
    must(!isPassing(how), `a passing failure was answered with ${stream.status}`);
    stream.close();
    return { acknowledged: [], unsure: [...messages] };
  }
  const first = readAll(stream);
  await stream.next('message.delta');
  const model = world.model({ tokens: ['at once'] });
  const told = await client.streamTurn({
    ...{ conversationId, userId, message: messages[1], model },
    body: { on_busy: 'interrupt' },
  });
  const before = await first;
  mustBeWhole(before);
  if (told.status !== 200) {
    must(!isPassing(how), `a passing failure was answered with ${told.status}`);
    return { acknowledged: [messages[0]], unsure: [messages[1]] };
  }
  mustBeWhole(told);
  if (isPassing(how)) {
    mustEqual(before.terminal, 'turn.cancelled', 'the end of the interrupted turn');
    mustEqual(told.message?.status, 'complete', 'the turn that interrupted');
  }
  return { acknowledged: [...messages] };
};

/** An EventSource whose connection is cut in the middle of the turn. */
const eventSource: Scenario = async ({ world, rounds, userId, conversationId, how }) => {
  const message = awkwardMessage(rounds.random);
  const tokens = awkwardTokens(rounds.random, 6);
  const model = world.model({ tokens, delayMs: { between: 60 } }) ?? '';
  const query = new URLSearchParams({ message, user_id: userId, model });
  const url = `${world.client.url}/conversations/${conversationId}/stream?${query.toString()}`;
  const source = eventSourceLike(url, { retryMs: 20 });
  const cut = source.next('message.delta', 15_000).then(
    () => source.cut(),
    () => undefined,
  );
  const done = await Promise.race([source.done, sleep(25_000, 'still open' as const)]);
  source.close();
  await cut;
  mustEqual(done, 'http-status', 'how the reconnecting ended');
  if (source.connections.length === 1) {
    must(!isPassing(how), `a passing failure was answered with ${source.connections[0]?.status}`);
    return { acknowledged: [], unsure: [message] };
  }
  mustEqual(source.connections.at(-1)?.status, 204, 'the last status');
  const text = textOf(source.events);
  mustEqual(text, tokens.join(''), 'the text of all connections');
  return { acknowledged: [message], answers: new Map([[message, text]]) };
};

/** A client that knows no ids asks twice: the second question goes on where the first was. */
const history: Scenario = async ({ world, rounds, userId, how, heal }) => {
  const { client } = world;
  const said: { role: string; content: string }[] = [];
  for (const content of [awkwardMessage(rounds.random), awkwardMessage(rounds.random)]) {
    const tokens = awkwardTokens(rounds.random, 4);
    const model = world.model({ tokens });
    said.push({ role: 'user', content });
    const json = { model, user: userId, messages: said };
    const { status } = await client.call('/v1/chat/completions', { json });
    if (status !== 200) {
      must(!isPassing(how), `a passing failure was answered with ${status}`);
      return { acknowledged: [] };
    }
    mustEqual(ownOf(world).calls(model), 1, 'calls of the model (I9)');
    said.push({ role: 'assistant', content: tokens.join('') });
  }
  heal();
  const { json } = await client.call(`/conversations?user_id=${userId}`);
  const counts = asArray(json)
    .map((conversation) => asRecord(conversation)['message_count'])
    .filter((count) => count !== 0);
  if (isPassing(how)) mustEqual(counts.join(), `${said.length}`, 'messages of each conversation');
  return { acknowledged: [] };
};

export const scenarios: Record<string, Scenario> = {
  'short turn': turn(4, 5),
  'turn with checkpoints': turn(6, 450),
  'cancelled turn': cancelled,
  'replayed turn': replayed,
  'deleted in mid-turn': deleted,
  'interrupting turn': interrupted,
  'event source': eventSource,
  'a history that goes on': history,
};
