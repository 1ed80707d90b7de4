/** Writing while an answer comes: a message waits for its end, or joins it. */
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import { post } from './documents-client.ts';
import {
  ask,
  hasNoBrowser,
  lastText,
  offer,
  started,
  stored,
  Visitors,
  whole,
} from './page-client.ts';
import { suiteTarget, unique } from './target.ts';
import { scripted } from './turns.ts';

const target = suiteTarget();
const visitors = new Visitors(target);

const search = { name: 'search_documents', input: { query: 'valve oil' }, id: 'call_1' };

/** Adds to the answer that comes, by the keyboard alone unless told, until the server says so. */
async function add(
  page: Page,
  text: string,
  send = () => page.keyboard.press('Control+Enter'),
): Promise<void> {
  await page.locator('#steer').waitFor();
  await page.fill('#composer-text', text);
  const answer = page.waitForResponse((one) => one.request().method() === 'POST');
  await send();
  await answer;
}

describe.skipIf(hasNoBrowser)('a message that is added to the answer', { timeout: 120_000 }, () => {
  afterAll(() => visitors.close());

  it('joins it at its next step, is shown there, and is there after a reload', async () => {
    const user = unique('owner');
    await post({ user_id: user, title: 'Manual', text: 'The blue valve needs oil every month.' });
    const { model, name } = await scripted(target, [
      { holdAt: 'head', toolCalls: [[search]] },
      { text: 'Once a month, in German.' },
    ]);
    const { page, mistakes } = await visitors.open({ user });
    await offer(page, model);
    await ask(page, 'How often?');
    await page.waitForURL(/#/u);
    await add(page, 'In German, please');
    const waiting = page.locator('#queue').getByText('In German, please');
    await waiting.waitFor();
    await page.getByText('Joins this answer').waitFor();
    expect(await page.inputValue('#composer-text')).toBe('');
    // The server has it: the page may be closed.
    await page.reload();
    await started(page);
    await waiting.waitFor();
    await target.upstream.release(name);
    await whole(page, 2);
    for (let time = 0; time < 2; time += 1) {
      const added = page.locator('.assistant').getByRole('note', { name: 'You added' });
      expect(await added.textContent()).toContain('In German, please');
      expect(await page.locator('#queue').isHidden()).toBe(true);
      await page.reload();
      await whole(page, 2);
    }
    expect((await stored(target, page)).map(({ role }) => role)).toEqual(['user', 'assistant']);
    expect(mistakes).toEqual([]);
  });

  it('is answered right after one that has no further step, and nothing is lost', async () => {
    const tokens = Array.from({ length: 40 }, () => 'word ');
    const { model, name } = await scripted(target, [
      { tokens, holdAt: 4 },
      { text: 'In short: words.' },
    ]);
    const { page, mistakes } = await visitors.open();
    await offer(page, model);
    await ask(page, 'Tell me');
    await page.getByText('word word').first().waitFor();
    const button = page.getByRole('button', { name: 'Add to this answer' });
    await add(page, 'In short', () => button.click());
    await page.locator('#queue').getByText('In short').waitFor();
    await target.upstream.release(name);
    await whole(page, 4);
    expect(await lastText(page)).toContain('In short: words.');
    expect(await page.locator('#queue').isHidden()).toBe(true);
    const messages = await stored(target, page);
    expect(messages.map(({ content }) => content)).toEqual([
      'Tell me',
      tokens.join(''),
      'In short',
      'In short: words.',
    ]);
    expect(mistakes).toEqual([]);
  });

  it('goes back to where it was written when it is refused', async () => {
    const { model } = await scripted(target, {
      tokens: ['on '],
      infinite: true,
      delayMs: { between: 50 },
    });
    const { page } = await visitors.open({ model });
    await ask(page, 'Never stop');
    await page.getByText('on on').first().waitFor();
    await page.route(/\/messages\?user_id/u, (route) =>
      route.request().method() === 'POST'
        ? route.fulfill({ status: 429, body: JSON.stringify({ code: 'queue_full', detail: 'no' }) })
        : route.continue(),
    );
    await add(page, 'And this');
    await page.locator('#notices .wrong').waitFor();
    expect(await page.inputValue('#composer-text')).toBe('And this');
    expect(await page.locator('#queue').isHidden()).toBe(true);
    await page.keyboard.press('Escape');
    await page.getByText('Stopped.').waitFor();
    expect(await page.locator('#steer').isHidden()).toBe(true);
  });

  it('stops an answer that the server has not begun', async () => {
    const { model } = await scripted(target, {
      tokens: ['on '],
      infinite: true,
      delayMs: { between: 50 },
    });
    const { page } = await visitors.open({ model });
    const isStopped = Promise.withResolvers<void>();
    await page.route(/\/conversations\?/u, async (route) => {
      if (route.request().method() === 'POST') await isStopped.promise;
      await route.continue();
    });
    await ask(page, 'Never begin');
    await page.click('#stop');
    isStopped.resolve();
    await page.getByText('Stopped.').waitFor();
    await whole(page, 2);
    expect((await stored(target, page)).map(({ status }) => status)[1]).toBe('cancelled');
  });
});
