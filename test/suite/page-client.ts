/** What the tests of the page share: a visitor in a browser, and what a visitor does. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { chromiumPath, startChromium } from '../support/chromium.ts';
import { storedMessages } from './turns.ts';
import { unique, type Target } from './target.ts';

/** Milliseconds in which something has to be seen: a busy machine is slow to show it. */
const SEEN_MS = 60_000;

/** True where there is no browser: nothing of the page can be seen then, and the run says so. */
export const hasNoBrowser = chromiumPath === undefined;

export interface Visitor {
  page: Page;
  user: string;
  /** Errors of the page's own, and of its policy. */
  mistakes: string[];
  /** The addresses that the page asked for. */
  asked: string[];
}

/** Opens pages as new visitors, in one browser. */
export class Visitors {
  #browser: Promise<Browser> | undefined;
  readonly #target: Pick<Target, 'url'>;

  constructor(target: Pick<Target, 'url'>) {
    this.#target = target;
  }

  async open({
    model,
    path = '',
    user = unique('visitor'),
    isReady = true,
    ...options
  }: BrowserContextOptions & {
    model?: string;
    path?: string;
    user?: string;
    /** False for a page that asks for something first. */
    isReady?: boolean;
  } = {}): Promise<Visitor> {
    const browser = await (this.#browser ??= startChromium());
    const context = await browser.newContext({ locale: 'en', ...options });
    context.setDefaultTimeout(SEEN_MS);
    const page = await context.newPage();
    const [mistakes, asked]: string[][] = [[], []];
    page.on('pageerror', (error) => mistakes?.push(error.message));
    page.on('request', (request) => asked?.push(request.url()));
    page.on('console', (line) => {
      if (line.type() === 'error') mistakes?.push(line.text());
    });
    await page.addInitScript((name) => localStorage.setItem('parley.user', name), user);
    await page.goto(this.#target.url + path);
    if (isReady) await started(page);
    if (model) await offer(page, model);
    return { page, user, mistakes: mistakes ?? [], asked: asked ?? [] };
  }

  async close(): Promise<void> {
    await (await this.#browser)?.close();
  }
}

/** Waits until the page can be used. */
export async function started(page: Page): Promise<void> {
  await page.locator('#model option').first().waitFor({ state: 'attached' });
  await page.locator('#messages:not([aria-busy])').waitFor({ state: 'attached' });
}

/** Lets the page choose a model by its name, which the server's list does not know. */
export async function offer(page: Page, model: string): Promise<void> {
  const name = JSON.stringify(model);
  await page.evaluate(
    `document.querySelector('#model').append(new Option(${name}, ${name}, false, true))`,
  );
}

/** Types a message and sends it by the keyboard. */
export async function ask(page: Page, text: string): Promise<void> {
  await page.fill('#composer-text', text);
  await page.press('#composer-text', 'Enter');
}

/** Waits until so many messages are shown as they are stored. */
export async function whole(page: Page, count: number): Promise<void> {
  await page.locator(`#messages > li[data-id]:not([aria-busy]) >> nth=${count - 1}`).waitFor();
  await page.locator('#messages > li:is([aria-busy], .pending)').waitFor({ state: 'detached' });
}

/** The messages of the conversation that is shown, as they are stored. */
export async function stored(target: Target, page: Page) {
  const id = await page.evaluate(() => location.hash.slice(1));
  return storedMessages(target, id);
}

/** The text of the last message. */
export function lastText(page: Page): Promise<string | null> {
  return page.textContent('#messages > li:last-child .body');
}
