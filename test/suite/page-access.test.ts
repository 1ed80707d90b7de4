/** The page for everybody: by the keyboard alone, for screen readers, in any size and direction. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import { ask, hasNoBrowser, offer, started, Visitors, whole } from './page-client.ts';
import { suiteTarget } from './target.ts';
import { scripted } from './turns.ts';

const target = suiteTarget();
const visitors = new Visitors(target);
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

const RICH = [
  '# Title\n\nSome **bold** text, `code` and [a link](https://example.com).\n\n',
  '- one\n- two\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n> said\n\n- [x] done\n\n',
  '```js\n// why\nconst a = "b" + 1;\n```\n',
].join('');

/** What breaks a rule of WCAG 2.2 AA, or good practice, as `rule: element`. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const { violations: found } = await page.evaluate<AxeResults>(
    `axe.run(document, { runOnly: ${JSON.stringify(TAGS)} })`,
  );
  return found.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 150)}`));
}

/** True where something is wider than the window. */
const isWide = (page: Page) =>
  page.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth');

describe.skipIf(hasNoBrowser)('the page', { timeout: 180_000 }, () => {
  afterAll(() => visitors.close());

  it.each(['light', 'dark'] as const)('breaks no rule of WCAG 2.2 AA, %s', async (colorScheme) => {
    const search = { name: 'search_documents', input: { query: 'valve oil' }, id: 'call_1' };
    const { model } = await scripted(target, [
      { reasoning: ['so', ' it is'], toolCalls: [[search]] },
      { text: RICH },
    ]);
    const { page, mistakes } = await visitors.open({ colorScheme, reducedMotion: 'reduce' });
    expect(await violations(page)).toEqual([]);
    await offer(page, model);
    await ask(page, 'Show me all');
    await whole(page, 2);
    await page.locator('.token').first().waitFor();
    for (const fold of await page.locator('.fold > summary').all()) await fold.click();
    expect(await page.locator('.fold[open]').count()).toBe(2);
    expect(await violations(page)).toEqual([]);
    for (const name of ['Documents', 'Settings', 'Keyboard']) {
      await page.getByRole('button', { name, exact: true }).click();
      const dialog = page.getByRole('dialog');
      await dialog.locator('table, .drop, kbd').first().waitFor();
      expect(await violations(page), name).toEqual([]);
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'detached' });
    }
    await page.getByRole('button', { name: 'Delete', exact: true }).last().click();
    await page.getByRole('dialog').waitFor();
    expect(await violations(page)).toEqual([]);
    expect(mistakes).toEqual([]);
  });

  it('is used from the first key to a second version by the keyboard alone', async () => {
    const { page, mistakes } = await visitors.open();
    await page.locator('#composer-text:focus').waitFor();
    await page.keyboard.type('By keys');
    await page.keyboard.press('Enter');
    await whole(page, 2);
    // The focus has not moved by itself.
    expect(await page.locator('#composer-text:focus').count()).toBe(1);
    await page.keyboard.press('Alt+ArrowUp');
    expect(await page.locator('.assistant:focus').count()).toBe(1);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    expect(await page.locator(':focus').getAttribute('aria-label')).toBe('Answer again');
    await page.keyboard.press('Enter');
    await page.getByText('2/2').waitFor();
    await page.keyboard.press('Alt+n');
    await page.locator('#empty').waitFor();
    await page.keyboard.press('Control+k');
    expect(await page.locator('#search:focus').count()).toBe(1);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await whole(page, 2);
    expect(mistakes).toEqual([]);
  });

  it('tells screen readers how the answer stands, and not each of its words', async () => {
    const { model } = await scripted(target, {
      tokens: ['word '],
      infinite: true,
      delayMs: { between: 50 },
    });
    const { page } = await visitors.open({ model });
    expect(await page.getAttribute('#view', 'aria-live')).toBe('off');
    await ask(page, 'Tell');
    await page.locator('#status').getByText('Answering…').waitFor({ state: 'attached' });
    await page.getByText('word word').first().waitFor();
    const live = await page.locator('[role=status], [aria-live=polite]').allTextContents();
    expect(live.join(' ')).not.toContain('word');
    expect(await page.getAttribute('#messages > li:last-child', 'aria-busy')).toBe('true');
    await page.keyboard.press('Escape');
    await page.locator('#status').getByText('The answer has ended.').waitFor({ state: 'attached' });
  });

  it.each([320, 768, 2560])(
    'fits a window of %i pixels, and opens its list there',
    async (width) => {
      const { model } = await scripted(target, { text: `${RICH}\n${'long'.repeat(300)}\n` });
      const { page } = await visitors.open({ model, viewport: { width, height: 700 } });
      await ask(page, 'wide'.repeat(200));
      await whole(page, 2);
      expect(await isWide(page)).toBe(false);
      const composer = await page.locator('#composer').boundingBox();
      expect(composer!.x + composer!.width).toBeLessThanOrEqual(width);
      if (width > 768) return;
      expect(await violations(page)).toEqual([]);
      await page.getByRole('button', { name: 'Conversations' }).click();
      await page.locator('#search:focus').waitFor();
      await page.keyboard.press('Escape');
      expect(await page.locator('#menu:focus').count()).toBe(1);
    },
  );

  it('writes Arabic from right to left, beside English', async () => {
    const { model } = await scripted(target, { text: 'مرحبا بالعالم\n\nHello there' });
    const { page } = await visitors.open({ model });
    await ask(page, 'السلام عليكم');
    await whole(page, 2);
    const gaps = await page.evaluate<number[]>(`
      [...document.querySelectorAll('.assistant p')].map((one) => {
        const text = document.createRange();
        text.selectNodeContents(one);
        return text.getBoundingClientRect().left - one.getBoundingClientRect().left;
      })`);
    expect(gaps[0]).toBeGreaterThan(100);
    expect(gaps[1]).toBeLessThan(2);
  });

  it('puts a question at the top, and follows the answer only from its end', async () => {
    const tokens = Array.from({ length: 160 }, (_, at) => `Line ${at}.\n\n`);
    const { model } = await scripted(target, { tokens, delayMs: { between: 25 } });
    const { page } = await visitors.open({ viewport: { width: 900, height: 600 } });
    await offer(page, model);
    await ask(page, 'Tell a long tale');
    await page.getByText('Line 40.').waitFor({ state: 'attached' });
    const question = await page.locator('#messages > .user').boundingBox();
    expect(question!.y).toBeGreaterThan(0);
    expect(question!.y).toBeLessThan(120);
    await page.getByRole('button', { name: 'Jump to latest' }).click();
    await page.getByText('Line 80.').waitFor({ state: 'attached' });
    const distance = 'view.scrollHeight - view.scrollTop - view.clientHeight';
    await expect.poll(() => page.evaluate<number>(distance)).toBeLessThan(100);
    await page.locator('#view').hover();
    // The browser scrolls when it has time to, and in steps.
    await page.evaluate(`{
      let [top, isUp] = [view.scrollTop, false];
      view.addEventListener('scroll', () => {
        isUp ||= view.scrollTop < top;
        top = view.scrollTop;
      });
      view.addEventListener('scrollend', () => (globalThis.hasGoneUp = isUp));
    }`);
    await page.mouse.wheel(0, -200);
    await expect.poll(() => page.evaluate('globalThis.hasGoneUp')).toBe(true);
    await page.locator('#latest').waitFor();
    const line = page.getByText('Line 60.', { exact: true });
    const before = await line.boundingBox();
    await whole(page, 2);
    // What is read stays in its place: the tools of the question had their room from the beginning.
    const after = await line.boundingBox();
    expect(Math.abs(after!.y - before!.y)).toBeLessThan(2);
    expect(await page.locator('#latest').isVisible()).toBe(true);
  });

  it('moves nothing while it is loaded and used', async () => {
    const { page, user } = await visitors.open({ model: 'offline' });
    await ask(page, 'One');
    await whole(page, 2);
    await page.reload();
    await page.evaluate(
      `globalThis.shift = 0; new PerformanceObserver((list) => list.getEntries().forEach((one) => (shift += one.value))).observe({ type: 'layout-shift', buffered: true })`,
    );
    await started(page);
    await whole(page, 2);
    expect(await page.evaluate<number>('shift')).toBeLessThan(0.02);
    expect(user).not.toBe('');
  });
});
