/** Defines the scenarios: what each one runs against a server, and the figures it returns. */
import { modelName } from './answer.ts';
import { databaseRequests } from './database-requests.ts';
import { median, percentile, type Measured } from './figures.ts';
import { followers, replay } from './followers.ts';
import { longConversation } from './long-conversation.ts';
import type { ScenarioName } from './options.ts';
import { firstTokenTimes, runLoad, type Rig } from './rig.ts';
import type { Server } from './servers.ts';
import { freshTurns, turnsAfterHistory } from './turns.ts';

export type Scenario = (rig: Rig, server: Server) => Promise<Measured>;

/**
 * Total time for the turns of a sequential scenario, in ms: enough ticks of 10 ms for a precision
 * of 1 %.
 */
const ONE_BY_ONE_MS = 2500;
const MOST_TURNS = 600;

/**
 * Runs a few bursts, so that the code is compiled before anything is counted.
 * @returns the ms of one turn
 */
export async function warmUp(rig: Rig, server: Server, count = 20): Promise<number> {
  const answer = { tokens: 500, paceMs: 0 };
  const turns = await freshTurns({ server, model: modelName(answer), count });
  const run = await runLoad({ rig, server, answer, turns });
  return median(run.turns.map(({ turnMs }) => turnMs)) ?? 1;
}

/** Runs one stream with 500 tokens at once, repeatedly on one connection. */
const burst: Scenario = async (rig, server) => {
  const answer = { tokens: 500, paceMs: 0 };
  const turnMs = await warmUp(rig, server, 8);
  const count = turnCount(rig, turnMs);
  const turns = await freshTurns({ server, model: modelName(answer), count });
  const run = await runLoad({ rig, server, answer, turns });
  const blocks = { ...answer, blocks: true };
  const blockTurns = await freshTurns({
    server,
    model: modelName(blocks),
    count: Math.ceil(count / 2),
  });
  const blockRun = await runLoad({ rig, server, answer, turns: blockTurns });
  return {
    s1Cpu: run.cpuMs / count,
    ...byProgram(run.cpuMsByName, count),
    s1BlocksCpu: blockRun.cpuMs / blockTurns.length,
    s1Bytes: median(run.turns.map(({ bytes }) => bytes)) ?? Number.NaN,
    s1Turn: median(run.turns.map((turn) => turn.turnMs)) ?? Number.NaN,
    ...firstTokenTimes('s1', run),
  };
};

function byProgram(cpuMsByName: Record<string, number>, turns: number): Measured {
  const entries = Object.entries(cpuMsByName);
  return Object.fromEntries(entries.map(([name, ms]) => [`s1Cpu of ${name}`, ms / turns]));
}

/** Runs a few waves of 50 streams with 200 tokens, one every 5 ms. */
const busy: Scenario = async (rig, server) => {
  const answer = { tokens: 200, paceMs: 5 };
  const streams = 50;
  const waves = rig.quick ? 2 : 3;
  const turnTimes: number[] = [];
  const firsts: Measured[] = [];
  let cpuMs = 0;
  for (let wave = 0; wave < waves; wave++) {
    const turns = await freshTurns({ server, model: modelName(answer), count: streams });
    const run = await runLoad({ rig, server, answer, turns, together: true, spreadMs: 50 });
    cpuMs += run.cpuMs;
    turnTimes.push(...run.turns.map(({ turnMs }) => turnMs));
    firsts.push(firstTokenTimes('s2', run));
  }
  return {
    s2Cpu: cpuMs / waves / streams,
    s2Turn: (median(turnTimes) ?? Number.NaN) / idealMs(answer),
    s2First50: median(firsts.map(({ s2First50 = Number.NaN }) => s2First50)) ?? Number.NaN,
    s2First99: median(firsts.map(({ s2First99 = Number.NaN }) => s2First99)) ?? Number.NaN,
  };
};

/**
 * Runs 1,000 open streams of 60 tokens, one every 200 ms. It is the first to suffer when a stream
 * costs memory.
 */
const open: Scenario = async (rig, server) => {
  const answer = { tokens: 60, paceMs: 200 };
  const streams = 1000;
  const turns = await freshTurns({ server, model: modelName(answer), count: streams });
  const run = await runLoad({ rig, server, answer, turns, together: true, spreadMs: 2000 });
  const times = run.turns.map(({ turnMs }) => turnMs);
  return {
    s3Cpu: run.cpuMs / streams,
    s3Turn: (median(times) ?? Number.NaN) / idealMs(answer),
    s3Turn99: (percentile(times, 0.99) ?? Number.NaN) / idealMs(answer),
    s3KbPerStream: run.grownKb / streams,
    ...firstTokenTimes('s3', run),
  };
};

/** Runs a short turn after 40 messages of history. */
const history: Scenario = async (rig, server) => {
  const answer = { tokens: 30, paceMs: 0 };
  const model = modelName(answer);
  const trial = await turnsAfterHistory({ server, model, count: 40, history: 40 });
  const trialRun = await runLoad({ rig, server, answer, turns: trial });
  const count = turnCount(rig, median(trialRun.turns.map(({ turnMs }) => turnMs)) ?? 1);
  const turns = Array.from({ length: count }, (_, index) => trial[index % trial.length]!);
  const run = await runLoad({ rig, server, answer, turns });
  return { s4Cpu: run.cpuMs / count, ...firstTokenTimes('s4', run) };
};

/** Runs one stream at a calm pace, to see what a server adds to the first token when it is idle. */
const calm: Scenario = async (rig, server) => {
  const measured = await calmTurns(rig, server);
  if (!server.database) return measured;
  await server.database.ask({ kind: 'delay', ms: 20 });
  const far = await calmTurns(rig, server);
  await server.database.ask({ kind: 'delay', ms: 0 });
  return { ...measured, farFirst50: far['calmFirst50']!, farFirst99: far['calmFirst99']! };
};

async function calmTurns(rig: Rig, server: Server): Promise<Measured> {
  const answer = { tokens: 8, paceMs: 15 };
  const count = rig.quick ? 15 : 25;
  const turns = await freshTurns({ server, model: modelName(answer), count });
  await rig.upstream.ask({});
  const run = await runLoad({ rig, server, answer, turns, spreadMs: 30 });
  const report = await rig.upstream.ask({});
  const calls = report.kind === 'report' ? report.calls : [];
  const before = run.turns.map(
    ({ sentAt }, index) => (calls[index]?.arrivedAt ?? Number.NaN) - sentAt,
  );
  const after = run.turns.map(
    ({ firstTokenAt }, index) => firstTokenAt - (calls[index]?.firstTokenAt ?? Number.NaN),
  );
  return {
    ...firstTokenTimes('calm', run),
    calmBeforeModel: median(before) ?? Number.NaN,
    calmAfterModel: median(after) ?? Number.NaN,
  };
}

/** Counts the bytes of 500 tokens that arrive one by one. */
const bytes: Scenario = async (rig, server) => {
  const answer = { tokens: 500, paceMs: 2 };
  const turns = await freshTurns({ server, model: modelName(answer), count: 1 });
  const run = await runLoad({ rig, server, answer, turns });
  return { pacedBytes: run.turns[0]?.bytes ?? Number.NaN };
};

export const SCENARIOS: Partial<Record<ScenarioName, Scenario>> = {
  s1: burst,
  s2: busy,
  s3: open,
  s4: history,
  followers,
  replay,
  calm,
  bytes,
  database: databaseRequests,
  long: longConversation,
};

/** Returns the time between an answer's first token and its last. */
function idealMs({ tokens, paceMs }: { tokens: number; paceMs: number }): number {
  return (tokens - 1) * paceMs;
}

function turnCount(rig: Rig, turnMs: number): number {
  const budget = rig.quick ? ONE_BY_ONE_MS / 2 : ONE_BY_ONE_MS;
  return Math.max(20, Math.min(MOST_TURNS, Math.round(budget / turnMs)));
}
