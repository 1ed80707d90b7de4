/** Many clients, slow clients, long turns. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStream, type OpenStream } from '../../support/sse.ts';
import type { FaultCase } from '../case.ts';
import { readAll, textOf } from '../client.ts';
import { mustBeConsistent, mustBeWhole } from '../invariants.ts';
import { awkwardMessage, awkwardTokens, longTokens } from '../texts.ts';
import { must, mustEqual } from '../violation.ts';
import { ownOf } from '../world.ts';

/** Bytes of memory of a process. */
function memoryOf(pid: number): number {
  const pages = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1];
  return Number(pages) * 4096;
}

const filesOf = (pid: number) => readdirSync(`/proc/${pid}/fd`).length;

/**
 * Memory that a reader which reads nothing may cost beyond its cursor: its socket's and stream's
 * own buffers.
 */
const BYTES_PER_READER = 300_000;

const stopped: FaultCase = {
  name: 'readers-that-stop',
  what: 'clients that stop reading a long answer, from its start or its replay: memory stays bounded, the turn ends',
  runtimes: ['node'],
  async run(rounds) {
    if (process.platform !== 'linux') return;
    const world = await rounds.world();
    const { client } = world;
    const { server } = ownOf(world);
    const count = rounds.quick ? 60 : 200;
    const userId = rounds.random.word();
    const tokens = longTokens(rounds.random, 700_000);
    const model = world.model({ tokens, delayMs: { first: 500 }, burst: 20 });
    const ask = { userId, message: awkwardMessage(rounds.random), model };
    await client.streamTurn({ ...ask, message: 'warm up' });
    const files = filesOf(server.pid);
    for (const moment of ['live', 'replayed']) {
      await rounds.round(`${count} readers, ${moment}`, async () => {
        const before = memoryOf(server.pid);
        const stream = await client.openTurn(ask);
        const turnId = String(stream.headers['x-turn-id']);
        const whole = readAll(stream);
        if (moment === 'replayed') await whole;
        const readers = await stopAll(`${client.url}/turns/${turnId}/events`, count);
        mustBeWhole(await whole);
        await sleep(3_000);
        const grown = memoryOf(server.pid) - before;
        const late = readers.slice(0, 3).map(async (reader) => {
          reader.readOn();
          const told = await readAll(reader);
          mustBeWhole(told);
          mustEqual(told.text.length, told.message?.content.length, 'text of a reader that slept');
        });
        await Promise.all(late);
        for (const reader of readers) reader.close();
        const most = count * BYTES_PER_READER + 100_000_000;
        must(
          grown < most,
          `${count} readers that do not read cost ${Math.round(grown / 1e6)} MB (I8)`,
        );
      });
    }
    await rounds.round('files', async () => {
      for (let tries = 0; filesOf(server.pid) > files + 10 && tries < 50; tries += 1)
        await sleep(200);
      must(
        filesOf(server.pid) <= files + 10,
        `${filesOf(server.pid)} files open, ${files} before (I8)`,
      );
    });
  },
};

async function stopAll(url: string, count: number): Promise<OpenStream[]> {
  const readers: OpenStream[] = [];
  for (let at = 0; at < count; at += 1) {
    const reader = await openStream(url);
    reader.stopReading();
    readers.push(reader);
  }
  return readers;
}

const thousand: FaultCase = {
  name: 'streams-1000',
  what: 'a thousand open streams, ten readers on each of a hundred turns',
  runtimes: ['node'],
  async run(rounds) {
    const world = await rounds.world();
    const { client } = world;
    const { random } = rounds;
    const conversations = rounds.quick ? 30 : 100;
    const perTurn = 10;
    const names = Array.from({ length: conversations }, (_, at) => `turn ${at}`);
    let open = 0;
    await rounds.together(names, conversations, async () => {
      const tokens = awkwardTokens(random, 20);
      const model = world.model({ tokens, delayMs: { first: 6_000, between: 100 } });
      const message = awkwardMessage(random);
      const stream = await client.openTurn({ userId: random.word(), message, model });
      const turnId = String(stream.headers['x-turn-id']);
      const url = `${client.url}/turns/${turnId}/events`;
      const readers = [stream];
      while (readers.length < perTurn) readers.push(await openStream(url));
      open += readers.length;
      const all = await Promise.all(readers.map((reader) => readAll(reader, 120_000)));
      for (const told of all) {
        mustBeWhole(told);
        mustEqual(told.text, tokens.join(''), 'text of one of many readers');
      }
    });
    await rounds.round('all at once', async () => {
      mustEqual(open, conversations * perTurn, 'open streams');
    });
  },
};

const unattended: FaultCase = {
  name: 'turn-200s-alone',
  what: 'a turn of 200 s that nobody listens to',
  runtimes: ['workerd', 'node'],
  fullOnly: true,
  async run(rounds) {
    const world = await rounds.world();
    const { client } = world;
    const { random } = rounds;
    await rounds.round('200 s', async () => {
      const tokens = awkwardTokens(random, 100);
      const model = world.model({ tokens, delayMs: { between: 2_000 } });
      const userId = random.word();
      const conversationId = await client.createConversation(userId);
      const message = awkwardMessage(random);
      const stream = await client.openTurn({ conversationId, userId, message, model });
      await stream.next('message.delta');
      const heard = textOf(stream.events);
      stream.close();
      await sleep(203_000);
      const state = await client.ended(String(stream.headers['x-turn-id']), 10_000);
      mustEqual(state.status, 'complete', 'the turn that nobody listened to');
      mustEqual(state.message.content, tokens.join(''), 'its text');
      must(state.message.content.startsWith(heard), 'its text begins with what was heard');
      const expected = { conversationId, acknowledged: [message], settleMs: 1_000 };
      await mustBeConsistent(client, expected, random);
    });
  },
};

export const many = [stopped, thousand, unattended];
