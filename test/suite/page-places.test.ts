/** What the page shows depends on who reads it, on what, and on what the API has. */
import { afterAll, describe, expect, it } from 'vitest';
import { parseJson } from '../support/json.ts';
import { ask, hasNoBrowser, started, stored, Visitors, whole } from './page-client.ts';
import { suiteTarget } from './target.ts';

const target = suiteTarget();
const visitors = new Visitors(target);

describe.skipIf(hasNoBrowser)('the page', { timeout: 120_000 }, () => {
  afterAll(() => visitors.close());

  it('speaks the language that was chosen, and keeps it', async () => {
    const { page, mistakes } = await visitors.open();
    await page.click('#open-settings');
    await page.getByRole('tab', { name: 'Look' }).click();
    await page.getByRole('radio', { name: 'Deutsch' }).press('Space');
    await page.getByPlaceholder('Frag etwas').waitFor();
    await started(page);
    await page.reload();
    await started(page);
    expect(await page.getAttribute('html', 'lang')).toBe('de');
    expect(mistakes).toEqual([]);
  });

  it('takes files that are dropped, and has a camera where a finger points', async () => {
    const { page } = await visitors.open({ model: 'offline' });
    expect(await page.locator('#camera').isHidden()).toBe(true);
    await page.evaluate(`{
      const data = new DataTransfer();
      data.items.add(new File(['Dropped text.'], 'dropped.txt', { type: 'text/plain' }));
      for (const type of ['dragover', 'drop'])
        document.querySelector('#view').dispatchEvent(
          new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }),
        );
    }`);
    await page.getByRole('button', { name: 'Remove dropped.txt' }).waitFor();
    await ask(page, 'What does it say?');
    await whole(page, 2);
    expect((await stored(target, page))[0]).toMatchObject({
      attachments: [{ name: 'dropped.txt' }],
    });

    const phone = await visitors.open({
      hasTouch: true,
      isMobile: true,
      viewport: { width: 360, height: 740 },
    });
    await phone.page.locator('#camera').waitFor();
    const chooser = phone.page.waitForEvent('filechooser');
    await phone.page.tap('#camera');
    expect(await (await chooser).element().getAttribute('capture')).toBe('environment');
  });

  it('has a place for a search only where the API has one', async () => {
    const plain = await visitors.open();
    const described = plain.page.waitForResponse(/openapi\.json/u);
    await plain.page.hover('#sidebar');
    const routes = parseJson(await (await described).text());
    const hasSearch = JSON.stringify(routes).includes('"/search":');
    const places = plain.page.locator('#places button');
    await expect.poll(() => places.count()).toBe(hasSearch ? 1 : 0);

    const { page, mistakes } = await visitors.open();
    await page.route(/openapi\.json/u, (route) =>
      route.fulfill({ json: { paths: { '/search': { get: {} } } } }),
    );
    await ask(page, 'Where is the lighthouse?');
    await whole(page, 2);
    const id = await page.evaluate<string>('location.hash.slice(1)');
    await page.route(/\/search\?/u, (route) => {
      // Where typing is slow, the first letters are searched, too.
      const isWhole = new URL(route.request().url()).searchParams.get('q') === 'light';
      if (!isWhole) return route.fulfill({ json: [] });
      const highlights = [[4, 9]];
      const snippet = 'The light<img src=x>house';
      const one = { conversation_id: id, title: 'Lights', snippet, highlights };
      return route.fulfill({ json: [{ ...one, created_at: '2026-11-01T10:00:00Z' }] });
    });
    await page.keyboard.press('Alt+n');
    await page.locator('#empty').waitFor();
    await page.keyboard.press('Control+k');
    await page.locator('#places button').waitFor();
    await page.getByRole('button', { name: 'Search in all messages' }).press('Enter');
    await page.locator('dialog input:focus').waitFor();
    await page.keyboard.type('light');
    await page.getByText('1 found').waitFor();
    expect(await page.locator('.found mark').textContent()).toBe('light');
    expect(await page.locator('.found img').count()).toBe(0);
    await page.getByRole('button', { name: /^Lights/u }).press('Enter');
    await whole(page, 2);
    expect(mistakes).toEqual([]);
  });
});
