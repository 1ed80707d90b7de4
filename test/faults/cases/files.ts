/**
 * The embedded database: another writer's lock, a full disk, a start that is killed, two starts at
 * once.
 */
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { startProcess } from '../../support/child-process.ts';
import {
  cleanEnvironment,
  localCommand,
  nodeScript,
  removeDirectory,
  repository,
  temporaryDirectory,
} from '../../support/places.ts';
import { startServer } from '../../support/server.ts';
import { startSqld } from '../../support/sqld.ts';
import type { FaultCase, Rounds } from '../case.ts';
import { Client, readAll } from '../client.ts';
import { mustAgree, mustBeConsistent, mustBeWhole } from '../invariants.ts';
import { awkwardMessage, awkwardTokens } from '../texts.ts';
import { must, mustEqual } from '../violation.ts';
import { ownOf, type World } from '../world.ts';

const locked: FaultCase = {
  name: 'file-locked',
  what: 'another process holds the write lock of the database file for three seconds while turns start, run and end',
  runtimes: ['node'],
  async run(rounds) {
    const world = await rounds.world();
    const other = new DatabaseSync(ownOf(world).server.databaseUrl.replace(/^file:/u, ''), {
      timeout: 5_000,
    });
    for (let time = 0; time < (rounds.quick ? 1 : 6); time += 1) {
      const names = Array.from({ length: 8 }, (_, at) => `time ${time}, turn ${at}`);
      const holding = (async () => {
        await sleep(rounds.random.below(300));
        // oxlint-disable-next-line parley/no-interactive-transaction -- another program's
        other.exec('BEGIN IMMEDIATE');
        await sleep(3_000);
        // oxlint-disable-next-line parley/no-interactive-transaction -- another program's
        other.exec('COMMIT');
      })();
      await rounds.together(names, names.length, async () => {
        await sleep(rounds.random.below(600));
        await mustRun(rounds, world);
      });
      await holding;
      await rounds.round(`time ${time}, afterwards`, () => mustRun(rounds, world));
    }
    other.close();
  },
};

/** A turn that nothing disturbs. */
async function mustRun({ random }: Rounds, world: World): Promise<void> {
  const { client } = world;
  const tokens = awkwardTokens(random, 4);
  const model = world.model({ tokens, delayMs: { between: random.below(300) } });
  const message = awkwardMessage(random);
  const told = await client.streamTurn({ userId: random.word(), message, model });
  mustBeWhole(told);
  mustEqual(told.message?.status, 'complete', `the turn (${told.errorCode})`);
  mustAgree(told, (await client.turn(told.turnId)).message);
}

const full: FaultCase = {
  name: 'disk-full',
  what: 'the disk is full before and during turns, and has space again: no restart (needs root for a small tmpfs)',
  runtimes: ['node'],
  async run(rounds) {
    const directory = temporaryDirectory('full');
    if (!mounted(directory)) {
      console.log('    disk-full: no tmpfs can be mounted here, left out');
      return;
    }
    try {
      const env = { DATABASE_URL: `file:${join(directory, 'parley.db')}` };
      const world = await rounds.world({ env });
      for (let time = 0; time < (rounds.quick ? 1 : 4); time += 1) {
        await rounds.round(`time ${time}`, () => fillDuring(rounds, world, directory));
      }
      await rounds.close();
    } finally {
      execFileSync('umount', ['-l', directory]);
      removeDirectory(directory);
    }
  },
};

function mounted(directory: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', directory], {
      stdio: 'ignore',
    });
    return true;
  } catch {
    return false;
  }
}

/** The answer takes two seconds, and cannot be stored when it ends. */
const AFTER_ITS_END_MS = 2_500;

async function fillDuring(rounds: Rounds, world: World, directory: string): Promise<void> {
  const { random } = rounds;
  const { client } = world;
  const userId = random.word();
  const conversationId = await client.createConversation(userId);
  // More than what is left of a page: its end cannot be stored without space.
  const tokens = Array.from({ length: 20 }, () => 'long '.repeat(2_000));
  const model = world.model({ tokens, delayMs: { between: 100 } });
  const message = awkwardMessage(random);
  const stream = await client.openTurn({ conversationId, userId, message, model });
  await stream.next('message.delta');
  const filler = join(directory, 'filler');
  for (let size = 1024 * 1024; size >= 1024; size /= 2) {
    while (written(filler, size)) continue;
  }
  const later = awkwardMessage(random);
  const refused = await client.streamTurn({
    conversationId: await client.createConversation(userId).catch(() => conversationId),
    userId,
    message: later + 'x'.repeat(20_000),
    model,
  });
  const read = await client.call(`/conversations/${conversationId}`);
  await sleep(AFTER_ITS_END_MS);
  rmSync(filler, { force: true });
  const told = await readAll(stream);
  mustBeWhole(told);
  mustEqual(read.status, 200, 'a read while the disk is full');
  must([503, 409].includes(refused.status), `status ${refused.status} while the disk is full`);
  mustEqual(told.message?.status, 'complete', `the turn that found no space (${told.errorCode})`);
  mustEqual(told.text, tokens.join(''), 'its text');
  const expected = { conversationId, acknowledged: [message], settleMs: 10_000 };
  await mustBeConsistent(client, expected, random);
  await mustRun(rounds, world);
}

function written(path: string, size: number): boolean {
  try {
    writeFileSync(path, Buffer.alloc(size), { flag: 'a' });
    return true;
  } catch {
    return false;
  }
}

const starts: FaultCase = {
  name: 'start-killed',
  what: 'kill -9 while it starts and migrates, again and again, then a start',
  runtimes: ['node'],
  async run(rounds) {
    for (const kind of ['file', 'sqld'] as const) {
      for (let time = 0; time < (rounds.quick ? 1 : 4); time += 1) {
        await rounds.round(`${kind} ${time}`, async () => {
          const place = await newDatabase(kind);
          for (let kills = 0; kills < 6; kills += 1) {
            await startAndKill(place.url, 150 + rounds.random.below(450));
          }
          await mustServe(place.url, 1);
          await place.remove();
        });
      }
    }
  },
};

const together: FaultCase = {
  name: 'starts-at-once',
  what: 'three first starts at once on one database',
  runtimes: ['node'],
  async run(rounds) {
    for (const kind of ['file', 'sqld'] as const) {
      for (let time = 0; time < (rounds.quick ? 1 : 5); time += 1) {
        await rounds.round(`${kind} ${time}`, async () => {
          const place = await newDatabase(kind);
          await mustServe(place.url, 3);
          await place.remove();
        });
      }
    }
  },
};

async function newDatabase(kind: 'file' | 'sqld') {
  if (kind === 'sqld') {
    const sqld = await startSqld();
    return { url: sqld.url, remove: () => sqld.close() };
  }
  const directory = temporaryDirectory('start');
  const remove = async () => removeDirectory(directory);
  return { url: `file:${join(directory, 'parley.db')}`, remove };
}

async function startAndKill(databaseUrl: string, afterMs: number): Promise<void> {
  const server = startProcess({
    command: localCommand('node'),
    args: nodeScript('start', ['src/host/node/main.ts']),
    cwd: repository,
    env: cleanEnvironment({ PORT: '0', DATABASE_URL: databaseUrl }),
  });
  await sleep(afterMs);
  await server.kill();
}

async function mustServe(databaseUrl: string, count: number): Promise<void> {
  const env = { DATABASE_URL: databaseUrl, DEFAULT_MODEL: 'offline' };
  const started = await Promise.allSettled(
    Array.from({ length: count }, () => startServer({ env })),
  );
  try {
    for (const one of started) {
      must(
        one.status === 'fulfilled',
        `a start failed: ${one.status === 'rejected' ? one.reason : ''}`,
      );
      const told = await new Client(one.value.url).streamTurn({ userId: 'u', message: 'hello' });
      mustEqual(told.message?.status, 'complete', 'the first turn');
    }
  } finally {
    for (const one of started) if (one.status === 'fulfilled') await one.value.close();
  }
}

export const files = [locked, full, starts, together];
