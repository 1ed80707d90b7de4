/** What is measured of the page, each with its budget. */
import type { Browser, Page } from 'playwright-core';
import { seedUser } from '../../test/support/seeded-user.ts';
import type { TestServer } from '../../test/support/server.ts';
import type { Behaviour, Upstream } from '../../test/support/upstream.ts';
import { measureInteractions, measureMainThread, type Interactions } from './main-thread.ts';

export interface Figure {
  what: string;
  value: number;
  /** The most that it should be; undefined for what is only shown. */
  budget?: number;
}

interface Rig {
  upstream: Upstream;
  server: TestServer;
  browser: Browser;
}

const CONVERSATIONS = 5_000;
const MESSAGES = 2_000;
/** Milliseconds in which a person notices nothing. */
const UNNOTICED_MS = 50;
/** Milliseconds that a delta of an answer may cost scripts. */
const A_DELTA_MS = 0.1;

const ANSWER = `Here is **what** matters, with \`code\` and a [link](https://example.com):

1. First, one thing.
2. Then, another.

| a | b |
| --- | --- |
| 1 | 2 |

\`\`\`js
const answer = await ask('question');
\`\`\`

And a paragraph that goes on for a while, so that it takes more than a line on most screens.
`;

/** The pieces of a text, as models send them: about four characters each. */
function tokensOf(text: string): string[] {
  return text.match(/[^]{1,4}/gu) ?? [];
}

const textOf = (at: number) => (at % 2 === 1 ? `Question number ${at}, in a line.` : ANSWER);

/** Only what the page does has a budget: a clock also says how busy the machine is. */
function drawInteractions(what: string, { cpuMs, clockMs }: Interactions): Figure[] {
  return [
    { what: `${what} to next paint, ms of CPU`, value: cpuMs, budget: UNNOTICED_MS },
    { what: `${what} to next paint, ms by the clock`, value: clockMs },
  ];
}

/** All measures by their names. */
export const MEASURES: Readonly<Record<string, (rig: Rig) => Promise<Figure[]>>> = {
  streaming: (rig) => streaming(rig, false),
  'all-drawn': (rig) => streaming(rig, true),
  burst,
  megabyte,
  list,
};

/** 100 tokens a second for ten seconds, in a long conversation, while somebody types and clicks. */
async function streaming(rig: Rig, isDrawn: boolean): Promise<Figure[]> {
  const tokens = tokensOf(ANSWER.repeat(10)).slice(0, 1_000);
  const page = await openSeeded(rig, { tokens, delayMs: { between: 10 } });
  if (isDrawn) await drawAll(page);
  const nodes = await page.evaluate<number>(`document.querySelectorAll('*').length`);
  const calm = await measureMainThread(rig.browser, page, () => askAndRead(page, 'Go on'));
  const answered = askAndRead(page, 'Go on');
  await page.locator('.assistant[aria-busy] .text').first().waitFor();
  const interactions = await measureInteractions(rig.browser, page, () => interact(page));
  await answered;
  await page.context().close();
  return [
    { what: 'elements in the page', value: nodes },
    { what: 'main thread for a delta, with all frames, ms', value: calm.cpuMs / tokens.length },
    // What the reader went up to is taken out meanwhile: that is no cost of a delta.
    {
      what: 'of it scripts',
      value: calm.scriptMs / tokens.length,
      ...(isDrawn ? {} : { budget: A_DELTA_MS }),
    },
    { what: 'of it style and layout', value: calm.layoutMs / tokens.length },
    { what: 'longest task, ms', value: calm.longestMs, budget: UNNOTICED_MS },
    ...drawInteractions('an interaction', interactions),
  ];
}

/** Types, switches, opens and closes a dialog, and scrolls. */
async function interact(page: Page): Promise<void> {
  const text = page.locator('#composer-text');
  await text.pressSequentially('Meanwhile somebody writes this.', { delay: 60 });
  for (let times = 0; times < 5; times += 1) {
    await page.click('#rag');
    await page.click('#open-keys');
    await page.locator('dialog[open]').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('dialog').waitFor({ state: 'detached' });
    await page.locator('#view').hover();
    await page.mouse.wheel(0, -300);
  }
  await text.fill('');
}

/** Ten thousand deltas at once. */
async function burst(rig: Rig): Promise<Figure[]> {
  const tokens = Array.from({ length: 10_000 }, (_, at) => `${at} `);
  const page = await open(rig, 'bench-burst', { tokens, burst: 100 });
  const { cpuMs, longestMs } = await measureMainThread(rig.browser, page, () =>
    askAndRead(page, 'Count'),
  );
  await page.context().close();
  return [
    {
      what: 'main thread for a delta of 10,000, ms',
      value: cpuMs / tokens.length,
      budget: A_DELTA_MS,
    },
    { what: 'longest task, ms', value: longestMs, budget: UNNOTICED_MS },
  ];
}

/** An answer of a megabyte, as it comes and when it is opened again. */
async function megabyte(rig: Rig): Promise<Figure[]> {
  const text = ANSWER.repeat(Math.ceil(1_000_000 / ANSWER.length)).slice(0, 990_000);
  const page = await open(rig, 'bench-megabyte', { text, cut: 1_000, burst: 4 });
  const coming = await measureMainThread(rig.browser, page, () => askAndRead(page, 'Say all'));
  const address = page.url();
  // What it costs to leave the page is not measured.
  await page.goto('about:blank');
  const again = await measureMainThread(rig.browser, page, async () => {
    await page.goto(address);
    await shown(page);
    await page.evaluate('new Promise((done) => requestAnimationFrame(() => setTimeout(done)))');
  });
  const typing = await measureInteractions(rig.browser, page, () =>
    page.locator('#composer-text').pressSequentially('Next.', { delay: 60 }),
  );
  await page.context().close();
  return [
    { what: 'main thread as it comes, ms', value: coming.cpuMs },
    { what: 'longest task, ms', value: coming.longestMs, budget: UNNOTICED_MS },
    { what: 'main thread from opening it until it is shown, ms', value: again.cpuMs },
    { what: 'longest task, ms', value: again.longestMs, budget: UNNOTICED_MS },
    ...drawInteractions('typing beside it', typing),
  ];
}

/** 5,000 conversations: all are scrolled through, and looked for. */
async function list(rig: Rig): Promise<Figure[]> {
  const page = await openSeeded(rig, {});
  const loading = await measureMainThread(rig.browser, page, async () => {
    await page.fill('#search', 'number 1234');
    await page.locator('#conversations').getByText('Talk number 1234').waitFor();
  });
  await page.fill('#search', '');
  const steps = 100;
  const scrolling = await measureMainThread(rig.browser, page, () =>
    page.evaluate(`(async () => {
      const frame = () => new Promise((done) => requestAnimationFrame(done));
      for (let at = 1; at <= ${steps}; at += 1) {
        conversations.scrollTop = conversations.scrollHeight * at / ${steps};
        await frame();
      }
    })()`),
  );
  await page.locator('#conversations').getByText('Talk number 0', { exact: true }).waitFor();
  const letters = await measureInteractions(rig.browser, page, () =>
    page.locator('#search').pressSequentially('number 4321', { delay: 80 }),
  );
  await page.context().close();
  return [
    { what: 'longest task while all are loaded, ms', value: loading.longestMs, budget: 50 },
    { what: 'main thread for a page of the list, ms', value: scrolling.cpuMs / steps, budget: 8 },
    { what: 'longest task while it is scrolled, ms', value: scrolling.longestMs, budget: 16 },
    ...drawInteractions('a letter of a search', letters),
  ];
}

let users = 0;

async function openSeeded(rig: Rig, script: Behaviour): Promise<Page> {
  const user = `reader${process.pid}x${1000 + ++users}`;
  const id = await seedUser({
    databaseUrl: rig.server.databaseUrl,
    user,
    conversations: CONVERSATIONS,
    messages: MESSAGES,
    text: textOf,
  });
  return open(rig, user, script, `/#${id}`);
}

async function open(rig: Rig, user: string, script: Behaviour, path = '/'): Promise<Page> {
  const context = await rig.browser.newContext({
    locale: 'en',
    viewport: { width: 1280, height: 800 },
  });
  const page = await context.newPage();
  rig.upstream.script(user, script);
  await page.addInitScript((name) => localStorage.setItem('parley.user', name), user);
  await page.goto(rig.server.url + path);
  await page.locator('#model option').first().waitFor({ state: 'attached' });
  await page.locator('#messages:not([aria-busy])').waitFor({ state: 'attached' });
  await page.evaluate(`document.querySelector('#model').append(
    new Option('openai/${user}', 'openai/${user}', false, true))`);
  return page;
}

/**
 * Asks, and resolves when the answer is shown as it is stored. It waits for the request that reads
 * it, since looking at the page again and again would be measured, too.
 */
async function askAndRead(page: Page, text: string): Promise<void> {
  const read = page.waitForResponse(/\/messages\?limit=200/u, { timeout: 120_000 });
  await page.fill('#composer-text', text);
  await page.press('#composer-text', 'Enter');
  await read;
  await shown(page);
}

async function shown(page: Page): Promise<void> {
  await page.locator('#messages > .assistant[data-id]').last().waitFor({ timeout: 120_000 });
  await page
    .locator('#messages > li:is([aria-busy], .pending)')
    .first()
    .waitFor({ state: 'detached' });
}

async function drawAll(page: Page): Promise<void> {
  for (let times = 0; times < MESSAGES; times += 1) {
    if (await page.locator('#earlier').isHidden()) return;
    await page.evaluate('view.scrollTop = 0; earlier.click()');
  }
}
