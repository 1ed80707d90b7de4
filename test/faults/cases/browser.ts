/** A real browser's EventSource, its connections cut by a proxy. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import { startCuttingProxy } from '../../support/cutting-proxy.ts';
import { chromiumPath, startChromium } from '../../support/chromium.ts';
import type { FaultCase, Rounds } from '../case.ts';
import { must, mustEqual } from '../violation.ts';
import type { World } from '../world.ts';
import { mustHaveOneTurn, newStream, type Dialect } from './event-source.ts';

const inChromium: FaultCase = {
  name: 'chromium',
  what: "Chromium's own EventSource, cut at event k, for every k",
  runtimes: ['node', 'workerd'],
  async run(rounds) {
    if (chromiumPath === undefined) {
      console.log('    chromium: no browser here (CHROMIUM names another place), left out');
      return;
    }
    const world = await rounds.world();
    const browser = await startChromium();
    try {
      for (const dialect of ['native', 'text'] satisfies Dialect[]) {
        // 0: at the head, with a key; -1: after the first id, without.
        const cuts = rounds.quick ? [-1, 0, 2] : [-1, 0, 1, 2, 4, 7, 9];
        await rounds.together(cuts.map(String), 3, (cut) =>
          inPage(rounds, world, { browser, dialect, cutAt: Number(cut) }),
        );
      }
    } finally {
      await browser.close();
    }
  },
};

interface Seen {
  events: { type: string; data: string }[];
  readyState: number;
  opened: number;
}

async function inPage(
  rounds: Rounds,
  world: World,
  { browser, dialect, cutAt }: { browser: Browser; dialect: Dialect; cutAt: number },
): Promise<void> {
  const proxy = await startCuttingProxy(new URL(world.client.url));
  const page = await browser.newPage();
  try {
    const { conversationId, message, path } = await newStream(rounds, world, {
      dialect,
      firstMs: 400,
      // Between the head and the first id nothing but a key tells a reconnect from a new turn.
      ...(cutAt === 0 && { key: rounds.random.word() }),
    });
    await page.goto(`${proxy.url}/health`);
    await page.evaluate(listen, path);
    const look = () => page.evaluate<Seen>('window.seen()');
    let wasCut = false;
    for (const deadline = Date.now() + 40_000; ;) {
      const { readyState, events, opened } = await look();
      const isThere = cutAt < 0 ? proxy.idIsOld() : events.length >= cutAt;
      if (!wasCut && opened > 0 && isThere) {
        wasCut = true;
        proxy.cut();
      }
      if (readyState === 2) break;
      must(Date.now() < deadline, `the browser goes on reconnecting (${opened} times opened)`);
      await sleep(10);
    }
    const seen = await look();
    const events = seen.events.map((event) => ({
      ...event,
      id: '',
      hasOwnId: true,
      at: 0,
      offset: 0,
    }));
    await mustHaveOneTurn(rounds, world, { conversationId, message, dialect, events });
    await sleep(1_500);
    mustEqual((await look()).readyState, 2, 'readyState after the end');
  } finally {
    await page.close();
    proxy.close();
  }
}

/** Runs in the page: keeps what an EventSource gives. */
function listen(path: string): void {
  const events: Seen['events'] = [];
  let opened = 0;
  const source = new EventSource(path);
  source.addEventListener('open', () => (opened += 1));
  const names = [
    'message',
    'turn.started',
    'message.delta',
    'turn.completed',
    'turn.failed',
    'done',
  ];
  for (const type of names) {
    source.addEventListener(type, (event) => events.push({ type, data: String(event.data) }));
  }
  Object.assign(window, { seen: () => ({ events, readyState: source.readyState, opened }) });
}

export const browsers = [inChromium];
