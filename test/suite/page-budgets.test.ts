/** What the page costs, as counts: bytes, requests and elements. */
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import { seedUser } from '../support/seeded-user.ts';
import { ask, hasNoBrowser, offer, Visitors, whole } from './page-client.ts';
import { suiteTarget, unique } from './target.ts';

const target = suiteTarget();
const visitors = new Visitors(target);

const CONVERSATIONS = 5_000;
const MESSAGES = 1_200;

const elements = (page: Page) => page.evaluate<number>(`document.querySelectorAll('*').length`);

describe.skipIf(hasNoBrowser)('the page', { timeout: 180_000 }, () => {
  afterAll(() => visitors.close());

  it('asks for little before the first chat, and for one thing of each kind', async () => {
    const { page, asked, mistakes } = await visitors.open({ model: 'offline' });
    await page.locator('#composer-text:focus').waitFor();
    const paths = asked.map((url) => new URL(url).pathname);
    const scripts = paths.filter((path) => path.endsWith('.js'));
    // Five that others share, the page's own, and the words of one language.
    expect(scripts.length).toBeLessThanOrEqual(7);
    expect(paths.filter((path) => !path.startsWith('/assets/')).toSorted()).toEqual([
      '/',
      '/',
      '/conversations',
      '/models',
    ]);
    expect(await elements(page)).toBeLessThan(150);
    const before = asked.length;
    await ask(page, 'Hello');
    await whole(page, 2);
    // The turn, its events, and the two messages as they are stored.
    const turn = asked
      .slice(before)
      .filter((url) => !url.includes('/assets/'))
      .map((url) => new URL(url).pathname.replaceAll(/[\da-f-]{36}/gu, 'id'));
    expect(turn.toSorted()).toEqual([
      '/conversations',
      '/conversations/id/messages',
      '/turns/id/events',
    ]);
    expect(mistakes).toEqual([]);
  });

  it('draws only what is seen of 5,000 conversations and 1,200 messages, and reaches all', async () => {
    const user = unique('many')
      .replaceAll(/[^a-z\d]/gu, '')
      .slice(0, 16);
    const id = await seedUser({
      databaseUrl: target.databaseUrl,
      user,
      conversations: CONVERSATIONS,
      messages: MESSAGES,
      text: (at) => `This is **message** ${at}.`,
    });
    // An old one is changed: the list has it first, though its page comes last.
    const old = id.replace(/.{12}$/u, '000000000007');
    const changed = await target.call(`/conversations/${old}?user_id=${user}`, {
      method: 'PATCH',
      json: { title: 'Changed lately' },
    });
    expect(changed.status).toBe(200);
    const { page, mistakes } = await visitors.open({ user, path: `/#${id}` });
    await page.getByText('message 1200.').first().waitFor();
    expect(await elements(page)).toBeLessThan(2_500);
    await page.locator('#conversations li[data-id]').nth(5).waitFor();

    // The list: to its end by scrolling, and to any title by searching.
    expect(await page.locator('#conversations li').count()).toBeLessThan(80);
    await page.fill('#search', 'number 1234');
    await page.locator('#conversations').getByText('Talk number 1234').waitFor({ timeout: 60_000 });
    expect(await page.locator('#conversations li').count()).toBe(1);
    await page.fill('#search', '');
    const first = page.locator('#conversations li[data-id]').first();
    await expect.poll(() => first.textContent()).toBe('Changed lately');
    const oldest = page.locator('#conversations').getByText('Talk number 0', { exact: true });
    await expect
      .poll(
        async () => {
          await page.evaluate(`conversations.scrollTop = conversations.scrollHeight`);
          return oldest.count();
        },
        { timeout: 60_000 },
      )
      .toBe(1);
    expect(await page.locator('#conversations li').count()).toBeLessThan(80);

    // The messages: to the first, which is not among the thousand that came at once.
    const isAtFirst = `view.scrollTop = 0; earlier.click(); earlier.hidden`;
    await expect.poll(() => page.evaluate(isAtFirst), { timeout: 60_000 }).toBe(true);
    expect(await page.textContent('#messages > li:first-child .text')).toBe(
      'This is **message** 1.',
    );
    expect(await page.locator('#messages > li').count()).toBe(MESSAGES);
    expect(await page.locator('#earlier').isHidden()).toBe(true);

    // What is asked then does not carry them all along.
    await offer(page, 'offline');
    await ask(page, 'And now?');
    await page.locator('.assistant[data-id]').getByText('offline model').waitFor();
    await expect
      .poll(() => page.locator('#messages > li').count(), { timeout: 60_000 })
      .toBeLessThan(100);
    await page.evaluate('view.scrollTop = 0; earlier.click()');
    await page.locator('#messages > li >> nth=110').waitFor();
    // What is asked in is changed last.
    await page.evaluate('conversations.scrollTop = 0');
    await expect.poll(() => first.getAttribute('data-id')).toBe(id);
    expect(mistakes).toEqual([]);
  });
});
