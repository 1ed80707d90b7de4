/**
 * The load generator. It is a separate process, so that its work is never counted as a server's.
 * The parent sends a {@link Load}; the answer holds the times of every turn and every fault in what
 * it streamed.
 */
import { expectedText } from './answer.ts';
import { getRequest, postRequest, StreamClient, type Reading } from './stream-client.ts';
import { FIRST_TOKEN, faultOfReading, type Wire } from './wire.ts';

/** Turns to run against a server: one after the other on one connection, or all open at once. */
export type Load = {
  port: number;
  wire: Wire;
  /** A request without a body is a GET. */
  turns: { path: string; body?: string }[];
  /** Tokens of each answer. */
  tokens: number;
  together: boolean;
  /**
   * In ms: the time over which parallel streams are opened, or the pause between consecutive turns.
   */
  spreadMs: number;
};

/**
 * One turn as the client saw it: times in ms (`sentAt` and `firstTokenAt` on the shared clock), and
 * bytes of event stream.
 */
export type TurnTimes = { sentAt: number; firstTokenAt: number; turnMs: number; bytes: number };
export type LoadResult = { turns: TurnTimes[]; faults: string[] };

async function readTurn(load: Load, client: StreamClient, index: number): Promise<Reading> {
  const { path = '', body } = load.turns[index] ?? {};
  const request = body === undefined ? getRequest(path) : postRequest({ path, body });
  return client.read({ request, firstToken: FIRST_TOKEN[load.wire] });
}

async function oneByOne(load: Load): Promise<Reading[]> {
  const client = new StreamClient(load.port);
  const readings: Reading[] = [];
  for (let index = 0; index < load.turns.length; index++) {
    if (load.spreadMs) await pause(load.spreadMs);
    readings.push(await readTurn(load, client, index));
  }
  client.close();
  return readings;
}

async function allTogether(load: Load): Promise<PromiseSettledResult<Reading>[]> {
  const gap = load.spreadMs / load.turns.length;
  const startedAt = performance.now();
  return Promise.allSettled(
    load.turns.map(async (_, index) => {
      await pause(Math.max(0, startedAt + index * gap - performance.now()));
      const client = new StreamClient(load.port);
      return readTurn(load, client, index).finally(() => client.close());
    }),
  );
}

/**
 * Checks the answers after the last stream has closed, so that this work delays nothing that is
 * measured.
 */
function judge(load: Load, readings: Reading[]): LoadResult {
  const expected = expectedText(load.tokens);
  const faults: string[] = [];
  const turns = readings.map((reading) => {
    const { sentAt, firstTokenAt, endedAt, body } = reading;
    const fault = faultOfReading(reading, load.wire, expected);
    if (fault) faults.push(fault);
    return { sentAt, firstTokenAt, turnMs: endedAt - sentAt, bytes: body.length };
  });
  return { turns, faults };
}

async function run(load: Load): Promise<LoadResult> {
  if (!load.together) return judge(load, await oneByOne(load));
  const settled = await allTogether(load);
  const readings = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const broken = settled.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []));
  const { turns, faults } = judge(load, readings);
  return { turns, faults: [...broken, ...faults] };
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

process.on('message', (load: Load) => {
  run(load).then(
    (result) => process.send?.(result),
    (error: unknown) => process.send?.({ turns: [], faults: [String(error)] } satisfies LoadResult),
  );
});
process.on('disconnect', () => process.exit(0));
