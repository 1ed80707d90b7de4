/**
 * Measures readers that did not start the turn: many that follow a running one, and replays of a
 * finished one.
 */
import { modelName } from './answer.ts';
import type { Measured } from './figures.ts';
import type { FollowAnswer, FollowQuestion } from './follow-load.ts';
import { HelperProcess } from './helper-process.ts';
import { cpuOf, residentOf } from './process-usage.ts';
import { recordingOf } from './recording.ts';
import { runLoad, type Rig } from './rig.ts';
import type { Server } from './servers.ts';
import { freshTurns } from './turns.ts';

const FOLLOWERS = 2000;
/** Readers before anything is counted, so that the code is compiled. */
const REHEARSAL = 400;
/**
 * The first token comes at once and the others when all have joined, so that joining and deltas are
 * counted separately.
 */
const ANSWER = { tokens: 41, paceMs: 100, held: true };
/** A pause after the last reader has joined, because deferred work is part of the cost. */
const SETTLE_MS = 300;

/** Measures 2,000 followers of one turn: the cost of each join and of each delta, in ms of CPU. */
export async function followers(rig: Rig, server: Server): Promise<Measured> {
  if (server.wire === 'ui') return {};
  await follow(rig, server, REHEARSAL);
  const { joinMs, toldMs, deltas, grownKb } = await follow(rig, server, FOLLOWERS);
  return {
    joinCpu: joinMs / FOLLOWERS,
    deltaCpu: toldMs / FOLLOWERS / (ANSWER.tokens - 1),
    followerDeltas: deltas,
    followerKb: grownKb / FOLLOWERS,
  };
}

async function follow(rig: Rig, server: Server, count: number) {
  const { port, wire, leaders } = server;
  const crowd = new HelperProcess<FollowQuestion, FollowAnswer>('follow-load.ts');
  try {
    const turn = await begin(server);
    const [cpuBefore, residentBefore] = [cpuOf(leaders), residentOf(leaders)];
    const joined = await crowd.ask({ kind: 'join', port, wire, path: turn.path, count });
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const cpuJoined = cpuOf(leaders);
    const finish = crowd.ask({ kind: 'finish', tokens: ANSWER.tokens });
    await rig.upstream.ask({ release: true });
    const { faults, deltas } = await finish;
    await turn.ended;
    const failed = [...joined.faults, ...faults];
    if (failed.length) throw new Error(`${failed.length} readers failed, the first: ${failed[0]}`);
    return {
      joinMs: cpuJoined - cpuBefore,
      toldMs: cpuOf(leaders) - cpuJoined,
      grownKb: residentOf(leaders) - residentBefore,
      deltas,
    };
  } finally {
    crowd.stop();
  }
}

/** Starts the turn, and returns the `path` where it can be followed. */
async function begin(server: Server): Promise<{ path: string; ended: Promise<unknown> }> {
  const [turn] = await freshTurns({ server, model: modelName(ANSWER), count: 1 });
  const response = await fetch(`http://127.0.0.1:${server.port}${turn?.path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', followed: 'yes' },
    body: turn?.body ?? '',
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  const turnId = response.headers.get('x-turn-id');
  return { path: turnId ? `/turns/${turnId}/events` : '/followed', ended: response.text() };
}

const REPLAYED = { tokens: 500, paceMs: 0 };

/**
 * Measures replays of a finished turn of 500 tokens on one connection; the floor sends the same
 * bytes.
 */
export async function replay(rig: Rig, server: Server): Promise<Measured> {
  if (server.wire === 'ui') return {};
  const path = await finishedTurn(server);
  const run = (count: number) =>
    runLoad({
      rig,
      server: { ...server, wire: 'native' },
      answer: REPLAYED,
      turns: Array.from({ length: count }, () => ({ path })),
    });
  const count = rig.quick ? 4_000 : 8_000;
  await run(count / 4);
  const { cpuMs, turns } = await run(count);
  return { replayCpu: cpuMs / count, replayBytes: turns[0]?.bytes ?? Number.NaN };
}

async function finishedTurn(server: Server): Promise<string> {
  const address = `http://127.0.0.1:${server.port}`;
  if (server.name === 'floor') {
    await fetch(`${address}/recording`, { method: 'PUT', body: recordingOf(REPLAYED.tokens) });
    return '/recording';
  }
  const [turn] = await freshTurns({ server, model: modelName(REPLAYED), count: 1 });
  const response = await fetch(`${address}${turn?.path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: turn?.body ?? '',
  });
  await response.text();
  return `/turns/${response.headers.get('x-turn-id')}/events`;
}
