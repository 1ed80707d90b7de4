/**
 * `npm run bench:doors`: what the wire of each API costs beside the native one, and what a chat
 * completion adds to a direct call of the model's service. Blocks of all are interleaved, and
 * figures are medians of ratios within a block. It exits with code 1 when an answer is not whole.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { parseArgs } from 'node:util';
import type { Call, Door } from '../test/support/doors/door.ts';
import { DOORS } from '../test/support/doors/speaking.ts';
import { SseParser, type SseEvent } from '../test/support/sse-parser.ts';
import { expectedText, modelName } from './answer.ts';
import { median } from './figures.ts';
import { HelperProcess } from './helper-process.ts';
import { usageOf } from './process-usage.ts';
import { startServer, type Server } from './servers.ts';
import type { UpstreamMessage } from './upstream.ts';

const options = {
  blocks: { type: 'string', default: '12' },
  only: { type: 'string', default: 'wires,completion' },
} as const;
const { values } = parseArgs({ options });
const blocks = Number(values.blocks);
const isWanted = (what: string) => values.only.split(',').includes(what);
const TOKENS = 500;
const TURNS = 40;
const SHORT_TOKENS = 30;
const SHORT_TURNS = 60;
const AT_MOST = { wire: 1.2, addedMs: 0.5 };

/** Sockets have the wire of a stream, and costs of their own. */
const doors = DOORS.filter(({ begins, name }) => begins && !name.includes('socket'));
const agent = new Agent({ keepAlive: true });
let asked = 0;

const upstream = new HelperProcess<object, UpstreamMessage>('upstream.ts');
const listening = await upstream.next();
const upstreamPort = listening.kind === 'listening' ? listening.port : 0;
const server = await startServer('parley-node', upstreamPort);
const pipe = await startServer('floor', upstreamPort);
try {
  if (isWanted('wires')) await compareWires(server);
  if (isWanted('completion')) await compareCompletion(server, pipe);
} finally {
  agent.destroy();
  await server.stop();
  await pipe.stop();
  upstream.stop();
}

async function compareWires({ port, leaders }: Server): Promise<void> {
  const model = `openai/${modelName({ tokens: TOKENS, paceMs: 0 })}`;
  const costs = new Map(doors.map((door) => [door, [] as number[]]));
  for (let block = -1; block < blocks; block++) {
    for (const door of block % 2 ? doors.toReversed() : doors) {
      const before = cpuMsOf(leaders);
      for (let turn = 0; turn < TURNS; turn++) mustBeWhole(door, await answerOf(port, door, model));
      // The first block is for the compiler.
      if (block >= 0) costs.get(door)?.push((cpuMsOf(leaders) - before) / TURNS);
    }
  }
  console.log(`CPU of a turn of ${TOKENS} tokens, in ms, and beside the native wire (at most 1.2)`);
  const [native] = doors;
  for (const [door, own] of costs) {
    const base = (native && costs.get(native)) ?? [];
    const ratio = median(own.map((cost, at) => cost / (base[at] ?? Number.NaN))) ?? Number.NaN;
    const verdict = ratio > AT_MOST.wire ? '  TOO DEAR' : '';
    const line = [door.name.padEnd(40), (median(own) ?? 0).toFixed(2), `${ratio.toFixed(2)} x`];
    console.log(`  ${line.join('  ')}${verdict}`);
  }
}

/** The model's service is called as the server calls it: by a stream that is read to its end. */
async function compareCompletion({ port, leaders }: Server, pipe: Server): Promise<void> {
  const model = modelName({ tokens: SHORT_TOKENS, paceMs: 0 });
  const messages = [{ role: 'user', content: 'Hi' }];
  const path = '/v1/chat/completions';
  const direct = { path, body: { model, messages, stream: true } };
  const named = { model: `openai/${model}` };
  const calls = {
    direct: () => post(upstreamPort, direct),
    pipe: () => post(pipe.port, direct),
    native: () =>
      post(port, {
        path: '/conversations',
        body: { ...named, user_id: `bench-${asked++}`, message: 'Hi' },
      }),
    completion: () => post(port, { path, body: { ...named, user: `bench-${asked++}`, messages } }),
  };
  const names = ['direct', 'pipe', 'native', 'completion'] as const;
  const ours = processesOf(leaders);
  const pipes = processesOf(pipe.leaders);
  const times = names.map(() => [] as number[]);
  const costs = names.map(() => [] as number[]);
  for (let turn = -SHORT_TURNS; turn < blocks * SHORT_TURNS; turn++) {
    for (const [at, name] of names.entries()) {
      const before = cpuMsOf(name === 'pipe' ? pipes : ours);
      const took = await timeOf(calls[name]);
      const cost = cpuMsOf(name === 'pipe' ? pipes : ours) - before;
      // The first ones are for the compiler.
      if (turn < 0) continue;
      times[at]?.push(took);
      costs[at]?.push(cost);
    }
  }
  const [base = 0, piped = 0, native = 0, completion = 0] = times.map((all) => median(all));
  const [, pipeCpu = 0, nativeCpu = 0, completionCpu = 0] = costs.map((all) => median(all));
  const added = completion - base;
  const verdict = added > AT_MOST.addedMs ? '  TOO DEAR' : '';
  console.log(`POST ${path}, not streamed, ${SHORT_TOKENS} tokens, p50 in ms`);
  console.log(`  a direct call       ${base.toFixed(2)}`);
  console.log(`  added to it         ${added.toFixed(2)} (at most ${AT_MOST.addedMs})${verdict}`);
  console.log(`  by POST /conversations the same turn adds ${(native - base).toFixed(2)}`);
  console.log(`  a bare pipe adds    ${(piped - base).toFixed(2)}`);
  const cpu = [completionCpu, nativeCpu, pipeCpu].map((ms) => ms.toFixed(2));
  console.log(`  CPU of a completion ${cpu[0]}, of the same turn ${cpu[1]}, of the pipe ${cpu[2]}`);
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

function answerOf(port: number, door: Door, model: string): Promise<string> {
  const name = `bench-${asked++}`;
  return post(port, door.call({ user: name, model, name, said: [] }, 'Hi'));
}

function mustBeWhole({ name, hear }: Door, body: string): void {
  const events: SseEvent[] = [];
  new SseParser(
    (event) => events.push(event),
    () => undefined,
  ).push(Buffer.from(body));
  const { text, ending, isOver } = hear(events);
  if (text === expectedText(TOKENS) && ending === 'whole' && isOver) return;
  throw new Error(`${name}: an answer is not whole: …${body.slice(-300)}`);
}

function post(port: number, { path, body, headers }: Call): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const sent = { 'content-type': 'application/json', ...headers };
  const call = request({ port, path, host: '127.0.0.1', method: 'POST', agent, headers: sent });
  call.on('error', reject);
  call.on('response', (response) => {
    const parts: Buffer[] = [];
    response.on('data', (part: Buffer) => parts.push(part));
    response.on('end', () => resolve(Buffer.concat(parts).toString()));
    response.on('error', reject);
  });
  call.end(JSON.stringify(body));
  return promise;
}

function processesOf(leaders: number[]): number[] {
  return usageOf(leaders).map(({ pid }) => pid);
}

/** Returns the CPU of the threads of processes, which the scheduler counts to the nanosecond. */
function cpuMsOf(processes: readonly number[]): number {
  const threads = processes.flatMap((pid) =>
    readdirSync(`/proc/${pid}/task`).map((thread) => `/proc/${pid}/task/${thread}/schedstat`),
  );
  const times = threads.map((file) => Number(readFileSync(file, 'utf8').split(' ')[0]));
  return times.reduce((sum, time) => sum + time, 0) / 1e6;
}
