/** The page, in a real browser: what a person does with it, and what is then stored. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath, startChromium } from '../support/chromium.ts';
import { suiteTarget, unique } from './target.ts';
import { scripted, storedMessages } from './turns.ts';

const target = suiteTarget();

let browser: Browser;

/** Opens the page as a new visitor, with models that the server's list does not know. */
async function open(model?: string): Promise<{ page: Page; mistakes: string[]; user: string }> {
  const context = await browser.newContext();
  const page = await context.newPage();
  const user = unique('visitor');
  const mistakes: string[] = [];
  page.on('pageerror', (error) => mistakes.push(error.message));
  page.on('console', (line) => {
    if (line.type() === 'error') mistakes.push(line.text());
  });
  await page.addInitScript((name) => localStorage.setItem('parley.user', name), user);
  await page.goto(target.url);
  await page.locator('#model option').first().waitFor({ state: 'attached' });
  if (model) await offer(page, model);
  return { page, mistakes, user };
}

/** Lets the page choose a model by its name. */
async function offer(page: Page, model: string): Promise<void> {
  const name = JSON.stringify(model);
  await page.evaluate(
    `document.querySelector('#model').append(new Option(${name}, ${name}, false, true))`,
  );
}

async function ask(page: Page, text: string): Promise<void> {
  await page.fill('#composer-text', text);
  await page.press('#composer-text', 'Enter');
}

const whole = (page: Page, count: number) =>
  page.locator('#messages > li:not([aria-busy])').nth(count - 1);

async function stored(page: Page) {
  const id = await page.evaluate(() => location.hash.slice(1));
  return storedMessages(target, id);
}

// Without a browser nothing of this can be seen; the run says so.
describe.skipIf(chromiumPath === undefined)('the page', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    browser = await startChromium();
  }, 120_000);
  afterAll(() => browser?.close());

  it('answers a visitor who types and presses Enter', async () => {
    const { page, mistakes } = await open('offline');
    await ask(page, 'Hello');
    await whole(page, 2).waitFor();
    expect(await page.textContent('#messages > li:last-child .text')).toContain('offline model');
    expect(await page.textContent('#title')).toBe('Hello');
    expect(await page.locator('#conversations li').count()).toBe(1);
    expect(await page.inputValue('#composer-text')).toBe('');
    expect(mistakes).toEqual([]);
  });

  it('has the whole answer after a reload in the middle of it', async () => {
    const tokens = Array.from({ length: 40 }, (_, at) => `word${at} `);
    const { model } = await scripted(target, { tokens, delayMs: { between: 60 } });
    const { page, mistakes } = await open(model);
    await ask(page, 'Tell me a tale');
    await page.getByText('word3').first().waitFor();
    await page.reload();
    await whole(page, 2).waitFor();
    const text = await page.textContent('#messages > li:last-child .text');
    const [, answer] = await stored(page);
    expect(answer?.content).toBe(tokens.join(''));
    expect(text?.trim()).toBe(answer?.content.trim());
    expect(mistakes).toEqual([]);
  });

  it('stops by Esc, keeps what was said, and says so', async () => {
    const { model } = await scripted(target, {
      tokens: ['on and '],
      infinite: true,
      delayMs: { between: 50 },
    });
    const { page } = await open(model);
    await ask(page, 'Never stop');
    await page.getByText('on and').first().waitFor();
    await page.keyboard.press('Escape');
    await page.getByText('Stopped.').waitFor();
    expect((await stored(page)).at(-1)?.status).toBe('cancelled');
  });

  it('answers again, edits, and goes between the versions', async () => {
    const { page, mistakes } = await open();
    await ask(page, 'First');
    await whole(page, 2).waitFor();
    await page.getByRole('button', { name: 'Answer again' }).click();
    await page.getByText('2/2').waitFor();
    await page.getByRole('button', { name: 'Version before' }).click();
    await page.getByText('1/2').waitFor();
    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByLabel('The message, edited').fill('First, said differently');
    await page.getByRole('button', { name: 'Send' }).first().click();
    await page.locator('.user').getByText('First, said differently').waitFor();
    await whole(page, 2).waitFor();
    const messages = await stored(page);
    expect(messages.map(({ content }) => content)[0]).toBe('First, said differently');
    expect(messages[0]?.siblings).toEqual({ index: 2, count: 2 });
    expect(mistakes).toEqual([]);
  });

  it('draws Markdown, and nothing that attacks', async () => {
    const text = [
      '# Title\n\nSome **bold** text and `code`.\n\n- one\n- two\n\n',
      '[bad](javascript:alert(1)) [good](https://example.com/a)\n\n',
      '![pixel](https://elsewhere.example/pixel.png)\n\n',
      '<img src=x onerror=alert(1)><script>alert(1)</script>\n\n',
      '```js\nconst a = "<b>";\n```\n',
    ].join('');
    const { model } = await scripted(target, { text, cut: 3 });
    const { page, mistakes } = await open(model);
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await ask(page, 'Show me');
    await whole(page, 2).waitFor();
    const answer = page.locator('#messages > li:last-child .text');
    expect(await answer.locator('strong').textContent()).toBe('bold');
    expect(await answer.locator('li').count()).toBe(2);
    expect(await answer.locator('pre code').textContent()).toContain('const a = "<b>";');
    expect(await answer.locator('img, script').count()).toBe(0);
    const addresses = await answer
      .locator('a[href]')
      .evaluateAll((links) => links.map((link) => link.getAttribute('href')));
    expect(addresses).toEqual(['https://example.com/a', 'https://elsewhere.example/pixel.png']);
    expect(asked.filter((url) => !url.startsWith(target.url))).toEqual([]);
    expect(mistakes).toEqual([]);
  });

  it('answers from a document that was added, and shows the passage', async () => {
    const { page, mistakes } = await open();
    await page.setInputFiles('#file', {
      name: 'valves.txt',
      mimeType: 'text/plain',
      buffer: Buffer.from('The blue valve closes clockwise.'),
    });
    await page.locator('#documents').getByText('valves').waitFor();
    await page.check('#rag');
    await ask(page, 'Which way does the blue valve close?');
    await whole(page, 2).waitFor();
    await page.getByText('[1]').last().click();
    expect(await page.locator('#messages details p').textContent()).toContain('clockwise');
    expect(mistakes).toEqual([]);
  });

  it('keeps the draft, and lists the keys under ?', async () => {
    const { page } = await open();
    await page.fill('#composer-text', 'half a thought');
    await page.reload();
    await page.locator('#model option').first().waitFor({ state: 'attached' });
    expect(await page.inputValue('#composer-text')).toBe('half a thought');
    // The page puts the cursor there when it has started; keys are for what is outside of it.
    await page.locator('#composer-text:focus').waitFor();
    await page.locator('#title').click();
    await page.keyboard.press('?');
    await page.getByRole('heading', { name: 'Keys' }).waitFor();
  });
});

it('is sent with a policy that allows no script but its own', async () => {
  const { headers } = await target.call('/', { headers: { accept: 'text/html' } });
  const policy = String(headers['content-security-policy']);
  expect(policy).toContain("script-src 'self'");
  expect(policy).toContain("require-trusted-types-for 'script'; trusted-types 'none'");
  expect(policy).not.toContain('unsafe');
});
