/** Calls through a proxy while the processes behind it are restarted one after the other. */
import { request } from '../support/http.ts';
import type { TestServer } from '../support/server.ts';
import { openStream } from '../support/sse.ts';
import type { Upstream } from '../support/upstream.ts';

/** How much clients do meanwhile. */
export interface RestartLoad {
  /** Long turns of forty words, of which one begins every 150 ms. */
  turns: number;
  /** Milliseconds between two words of a long turn. */
  wordMs: number;
  /** How many messages each of four users sends at least. */
  messages: number;
}

/** Turns of six seconds, and more than 1,000 messages. */
export const WHOLE_LOAD: RestartLoad = { turns: 80, wordMs: 150, messages: 250 };

/** Enough that turns and messages meet each of three restarts. */
export const SMALL_LOAD: RestartLoad = { turns: 24, wordMs: 50, messages: 50 };

/** What clients saw. */
export interface RestartReport {
  turns: { ended: string; last: string | undefined; isWhole: boolean }[];
  /** How many messages were sent, and every answer to one that was not 200. */
  messages: number;
  problems: { status: number; text: string }[];
  /** How each process ended. */
  exits: (number | string)[];
}

/**
 * Restarts servers, one after the other, while clients call them by way of a proxy.
 * @param options the model's service of the servers, the proxy's address, and what clients do
 */
export async function restartInTurn(
  servers: readonly TestServer[],
  { upstream, url, load }: { upstream: Upstream; url: string; load: RestartLoad },
): Promise<RestartReport> {
  const answer = Array.from({ length: 40 }, (_, at) => `word-${at} `);
  upstream.script('long', { tokens: answer, delayMs: { between: load.wordMs } });
  let isOver = false;
  const problems: RestartReport['problems'] = [];
  const exits: RestartReport['exits'] = [];
  const messages = sendMessages(url, problems, (sent) => isOver && sent >= load.messages);
  const turns = streamTurns(url, load.turns, () => isOver);
  for (const server of servers) {
    // The default grace is longer than any turn.
    exits.push(await server.stop(120_000));
    await server.restart();
  }
  const texts = await turns;
  isOver = true;
  return {
    turns: texts.map(({ text, ...rest }) => ({ ...rest, isWhole: text === answer.join('') })),
    messages: await messages,
    problems,
    exits,
  };
}

/** Sends messages of four users, one after the other, until that is enough; counts them. */
async function sendMessages(
  url: string,
  problems: RestartReport['problems'],
  isEnough: (sent: number) => boolean,
): Promise<number> {
  const counts = [0, 1, 2, 3].map(async (user) => {
    let sent = 0;
    while (!isEnough(sent)) {
      const json = { user_id: `user-${user}`, message: `message ${sent}` };
      const { status, text } = await request(`${url}/conversations`, { json }).catch(
        (error: unknown) => ({ status: 0, text: String(error) }),
      );
      if (status !== 200) problems.push({ status, text: text.slice(0, 300) });
      sent += 1;
      await new Promise((done) => setTimeout(done, 20));
    }
    return sent;
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

/** Begins turns of some seconds, a few at a time, and reads them to the end. */
async function streamTurns(url: string, count: number, isOver: () => boolean) {
  const streams = Array.from({ length: count }, async (_, at) => {
    await new Promise((done) => setTimeout(done, isOver() ? 0 : at * 150));
    const json = { user_id: 'reader', message: `go ${at}`, model: 'openai/long' };
    const stream = await openStream(`${url}/conversations`, { json });
    const { events, ended } = await stream.collect(120_000);
    const text = events
      .filter(({ type }) => type === 'message.delta')
      .map(({ data }) => (JSON.parse(data) as { text: string }).text)
      .join('');
    return { ended, last: events.at(-2)?.type, text };
  });
  return Promise.all(streams);
}
