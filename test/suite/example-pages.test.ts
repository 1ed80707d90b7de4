/**
 * The example with `useChat`, in a real browser: what it shows is what is stored, come what may.
 */
import type { Browser, Page, Route } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { chromiumPath, startChromium } from '../support/chromium.ts';
import { startCuttingProxy } from '../support/cutting-proxy.ts';
import { serveExample } from '../support/example-page.ts';
import { suiteTarget, unique } from './target.ts';
import { scripted, type MessageJson } from './turns.ts';

const target = suiteTarget();
const WAIT = { timeout: 20_000, interval: 50 };
const words = (count: number) => Array.from({ length: count }, (_, at) => `word${at} `);

describe.skipIf(chromiumPath === undefined)('a page with assistant-ui', () => {
  it('answers, lists its threads and opens them again', { timeout: 120_000 }, async () => {
    const example = await serveExample('assistant-ui');
    const browser = await startChromium();
    const page = await browser.newPage();
    const mistakes: string[] = [];
    page.on('pageerror', (error) => mistakes.push(error.message));
    const { model } = await scripted(target, { text: 'It is red.' });
    await page.goto(example.address({ server: target.url, model, user: unique('visitor') }));
    await page.getByLabel('Message').fill('Which colour?');
    await page.keyboard.press('Enter');
    await page.getByText('It is red.').waitFor({ timeout: 60_000 });
    await page.locator('.thread').getByText('Which colour?').waitFor({ timeout: 60_000 });
    await page.reload();
    await page.locator('.thread').getByText('Which colour?').click();
    await page.getByText('It is red.').waitFor({ timeout: 60_000 });
    expect(await page.locator('.message').allTextContents()).toEqual([
      'Which colour?',
      'It is red.',
    ]);
    expect(mistakes).toEqual([]);
    await browser.close();
    example.close();
  });
});

describe.skipIf(chromiumPath === undefined)('a page with useChat', { timeout: 120_000 }, () => {
  let browser: Browser;
  let example: Awaited<ReturnType<typeof serveExample>>;

  beforeAll(async () => {
    example = await serveExample('use-chat');
    browser = await startChromium();
  }, 120_000);

  afterAll(async () => {
    await browser.close();
    example.close();
  });

  async function open(model: string, server = target.url) {
    const context = await browser.newContext();
    const page = await context.newPage();
    const mistakes: string[] = [];
    page.on('pageerror', (error) => mistakes.push(error.message));
    const user = unique('visitor');
    await page.goto(example.address({ server, model, user }));
    await page.getByLabel('Message', { exact: true }).waitFor();
    return { context, page, user, mistakes };
  }

  async function ask(page: Page, text: string) {
    await page.getByLabel('Message', { exact: true }).fill(text);
    await page.keyboard.press('Enter');
  }

  /** Waits until the chat has so many messages and nothing is under way. */
  async function whole(page: Page, count: number) {
    await page
      .locator('li')
      .nth(count - 1)
      .waitFor({ timeout: 60_000 });
    await page.getByRole('status').getByText('ready').waitFor({ timeout: 60_000 });
    expect(await page.locator('li').count()).toBe(count);
  }

  async function texts(page: Page) {
    return (await page.locator('.text').allTextContents()).map((text) => text.trim());
  }

  async function tree(user: string): Promise<MessageJson[]> {
    const list = await target.call<{ conversation_id: string }[]>(`/conversations?user_id=${user}`);
    const [only, ...others] = list.json;
    expect(others).toEqual([]);
    const path = `/conversations/${only?.conversation_id}/messages?tree=true`;
    return (await target.call<MessageJson[]>(path)).json;
  }

  const tale = words(40).join('').trim();

  it('has the whole answer after a reload in the middle of it, and in another tab', async () => {
    const { model, name } = await scripted(target, { tokens: words(40), holdAt: 4 });
    const { page, context, user, mistakes } = await open(model);
    await ask(page, 'Tell me a tale');
    await page.getByText('word3').waitFor();
    await page.reload();
    const other = await context.newPage();
    await other.goto(page.url());
    await Promise.all([page, other].map((tab) => tab.getByText('word3').waitFor()));
    await target.upstream.release(name);
    await Promise.all([page, other].map((tab) => tab.getByText('word39').waitFor()));
    for (const tab of [page, other]) {
      await whole(tab, 2);
      expect(await texts(tab)).toEqual(['Tell me a tale', tale]);
    }
    expect(await tree(user)).toHaveLength(2);
    expect(await target.upstream.requests(name)).toHaveLength(1);
    expect(mistakes).toEqual([]);
  });

  it('goes on after its connection was cut, and after it was offline', async () => {
    const proxy = await startCuttingProxy(new URL(target.url));
    const { model, name } = await scripted(target, { tokens: words(40), holdAt: 4 });
    const { page, context, user, mistakes } = await open(model, proxy.url);
    await ask(page, 'Tell me a tale');
    await page.getByText('word3').waitFor();
    const comesBack = page.waitForRequest('**/stream');
    proxy.cut();
    await comesBack;
    await page.getByText('word3').waitFor();
    await context.setOffline(true);
    proxy.cut();
    await page.waitForFunction(() => !navigator.onLine);
    await target.upstream.release(name);
    await context.setOffline(false);
    await page.getByText('word39').waitFor();
    await whole(page, 2);
    expect(await texts(page)).toEqual(['Tell me a tale', tale]);
    expect(await target.upstream.requests(name)).toHaveLength(1);

    // What could not be sent is sent when there is a network again, once.
    await context.setOffline(true);
    proxy.cut();
    await ask(page, 'Are you there?');
    await page.getByText('Are you there?').waitFor();
    await context.setOffline(false);
    await whole(page, 4);
    expect((await tree(user)).map(({ role }) => role)).toEqual([
      'user',
      'assistant',
      'user',
      'assistant',
    ]);
    expect(mistakes).toEqual([]);
    proxy.close();
  });

  it('has the whole answer when it ended just before the page came back to it', async () => {
    const { model, name } = await scripted(target, { tokens: words(40), holdAt: 4 });
    const { page, user, mistakes } = await open(model);
    await ask(page, 'Tell me a tale');
    await page.getByText('word3').waitFor();
    const coming = Promise.withResolvers<Route>();
    await page.route('**/stream', (route) => coming.resolve(route));
    await page.reload();
    const back = await coming.promise;
    await target.upstream.release(name);
    await vi.waitFor(async () => expect((await tree(user))[1]?.status).toBe('complete'), WAIT);
    await back.continue();
    await page.getByText('word39').waitFor();
    await whole(page, 2);
    expect(await texts(page)).toEqual(['Tell me a tale', tale]);
    expect(mistakes).toEqual([]);
  });

  /** Each request that says something fails in the next of these ways, the later ones do not. */
  async function failing(page: Page, ways: ((route: Route) => Promise<void>)[]) {
    await page.route('**/api/chat', (route) => (ways.shift() ?? pass)(route));
  }
  const pass = (route: Route) => route.continue();
  const isLost = (route: Route) => route.abort('internetdisconnected');
  /** The answer to an accepted request never comes. */
  const isCut = async (route: Route) => {
    await route.fetch();
    await route.abort('connectionreset');
  };
  const isRefused = (route: Route) => {
    const headers = { 'access-control-allow-origin': '*' };
    return route.fulfill({ status: 503, headers, body: 'The server is about to restart' });
  };

  it('has one answer to what was said once, whatever became of its request', async () => {
    const { model, name } = await scripted(target, [
      ...[{ text: 'One.' }, { text: 'Two.' }, { text: 'Three.' }],
    ]);
    const { page, user, mistakes } = await open(model);
    await failing(page, [isCut, isRefused, pass, isLost]);
    await ask(page, 'First');
    await page.getByText('One.').waitFor();
    await whole(page, 2);
    await ask(page, 'Second');
    await page.getByRole('alert').getByText('about to restart').waitFor();
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('Two.').waitFor();
    await whole(page, 4);
    await page.getByRole('button', { name: 'Edit' }).last().click();
    await page.getByLabel('The message, edited').fill('Second, said differently');
    await page.keyboard.press('Enter');
    await page.getByText('Three.').waitFor();
    await whole(page, 4);
    expect(await texts(page)).toEqual(['First', 'One.', 'Second, said differently', 'Three.']);
    const said = (await tree(user)).map(({ content }) => content);
    expect(said).toEqual(['First', 'One.', 'Second', 'Two.', 'Second, said differently', 'Three.']);
    expect(await target.upstream.requests(name)).toHaveLength(3);
    expect(mistakes).toEqual([]);
  });

  it('runs a tool, and sends once what it returned, when that was lost and after a reload', async () => {
    const asks = (id: string) => ({ toolCalls: [[{ name: 'get_time_zone', input: {}, id }]] });
    const { model, name } = await scripted(target, [
      ...[asks('call_1'), { text: 'There.' }, asks('call_2'), { text: 'Still there.' }],
    ]);
    const { page, user, mistakes } = await open(model);
    const held = Promise.withResolvers<void>();
    await failing(page, [pass, isLost, pass, pass, () => Promise.resolve(held.resolve())]);
    await ask(page, 'Where am I?');
    await page.getByText('There.').waitFor();
    await whole(page, 2);
    await ask(page, 'And now?');
    await held.promise;
    await page.reload();
    await page.getByText('Still there.').waitFor();
    await whole(page, 4);
    const tools = await page.locator('.tool').allTextContents();
    const shown = expect.stringMatching(/get_time_zone: output-available ".+"/u);
    expect(tools).toEqual([shown, shown]);
    expect((await tree(user)).map(({ role }) => role)).toHaveLength(8);
    expect(await target.upstream.requests(name)).toHaveLength(4);
    expect(mistakes).toEqual([]);
  });

  it('stops the answer, answers again and edits', async () => {
    const { model } = await scripted(target, [
      { tokens: ['on and '], infinite: true, delayMs: { between: 50 } },
      { text: 'Second.' },
      { text: 'Third.' },
    ]);
    const { page, user, mistakes } = await open(model);
    await ask(page, 'First');
    await page.getByText('on and').waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('cancelled').waitFor();
    await whole(page, 2);
    await page.getByRole('button', { name: 'Answer again' }).click();
    await page.getByText('Second.').waitFor();
    await whole(page, 2);
    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByLabel('The message, edited').fill('First, said differently');
    await page.keyboard.press('Enter');
    await page.getByText('Third.').waitFor();
    await whole(page, 2);
    expect(await texts(page)).toEqual(['First, said differently', 'Third.']);
    const stored = await tree(user);
    expect(stored.map(({ status, siblings }) => [status, siblings.count])).toEqual([
      ['complete', 2],
      ['cancelled', 2],
      ['complete', 2],
      ['complete', 2],
      ['complete', 1],
    ]);
    expect(mistakes).toEqual([]);
  });
});
