/**
 * Reads one turn with many readers, in its own process. The first question lets all of them join,
 * and is answered when each has the first token. The second is answered when each has the end, with
 * the faults that were found.
 */
import { expectedText } from './answer.ts';
import { getRequest, StreamClient, type Reading } from './stream-client.ts';
import { FIRST_TOKEN, faultOfReading, type Wire } from './wire.ts';

export type FollowQuestion =
  | { kind: 'join'; port: number; wire: Wire; path: string; count: number }
  | { kind: 'finish'; tokens: number };
/** `deltas` is the average number of deltas per reader; a late server joins several into one. */
export type FollowAnswer = { faults: string[]; deltas: number };

/** Readers that are joining at the same time. */
const AT_ONCE = 50;

let readings: Promise<Reading>[] = [];
let wire: Wire = 'native';

async function join(question: FollowQuestion & { kind: 'join' }): Promise<FollowAnswer> {
  const { port, path, count } = question;
  ({ wire } = question);
  readings = [];
  const request = getRequest(path);
  const worker = async (): Promise<void> => {
    while (readings.length < count) {
      const client = new StreamClient(port);
      await new Promise<void>((onFirstToken, reject) => {
        const reading = client.read({ request, firstToken: FIRST_TOKEN[wire], onFirstToken });
        readings.push(reading.finally(() => client.close()));
        // An answer that ends without a token is judged at the end.
        reading.then(() => onFirstToken(), reject);
      });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return { faults: [], deltas: 0 };
}

async function finish(tokens: number): Promise<FollowAnswer> {
  const expected = expectedText(tokens);
  const settled = await Promise.allSettled(readings);
  const broken = settled.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []));
  const whole = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const faults = whole.flatMap((reading) => faultOfReading(reading, wire, expected) ?? []);
  const deltas = whole.reduce((sum, { body }) => sum + count(body, FIRST_TOKEN[wire]), 0);
  return { faults: [...broken, ...faults], deltas: deltas / whole.length };
}

function count(body: Buffer, marker: Buffer): number {
  let found = 0;
  for (let at = body.indexOf(marker); at >= 0; at = body.indexOf(marker, at + 1)) found++;
  return found;
}

process.on('message', (question: FollowQuestion) => {
  const answer = question.kind === 'join' ? join(question) : finish(question.tokens);
  answer.then(
    (result) => process.send?.(result),
    (error: unknown) =>
      process.send?.({ faults: [String(error)], deltas: 0 } satisfies FollowAnswer),
  );
});
process.on('disconnect', () => process.exit(0));
