/** What the page does by itself, in a real browser: the same, whoever sent its files. */
import { afterAll, describe, expect, it } from 'vitest';
import { startCuttingProxy } from '../support/cutting-proxy.ts';
import { ask, hasNoBrowser, lastText, offer, started, Visitors, whole } from './page-client.ts';
import { suiteTarget } from './target.ts';
import { scripted } from './turns.ts';

const target = suiteTarget();
const visitors = new Visitors(target);

describe.skipIf(hasNoBrowser)('the page', { timeout: 120_000 }, () => {
  afterAll(() => visitors.close());

  it('finds, renames and deletes conversations, and takes a deletion back', async () => {
    const { page, mistakes, user } = await visitors.open({ model: 'offline' });
    const json = { user_id: user };
    for (const title of ['Apples', 'Pears'])
      await target.call('/conversations', { json: { ...json, title } });
    await page.reload();
    await started(page);
    const titles = page.locator('#conversations .title');
    await titles.nth(1).waitFor();
    await page.keyboard.press('Control+k');
    await page.keyboard.type('appl');
    await page.locator('#conversations').getByText('Pears').waitFor({ state: 'detached' });
    expect(await titles.allTextContents()).toEqual(['Apples']);
    await page.getByRole('button', { name: 'Rename “Apples”' }).click();
    await page.keyboard.type('Apple');
    // Another tab changes the list meanwhile.
    const listed = page.waitForResponse(/\/conversations\?/u);
    await page.evaluate(`new BroadcastChannel('parley').postMessage('')`);
    await listed;
    await page.evaluate('new Promise((drawn) => setTimeout(() => requestAnimationFrame(drawn)))');
    await page.keyboard.type(' pie');
    await page.keyboard.press('Enter');
    await titles.getByText('Apple pie').waitFor();
    await page.fill('#search', '');
    await page.getByRole('button', { name: 'Delete “Pears”' }).click();
    await page.locator('#conversations').getByText('Pears').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Undo' }).click();
    await titles.getByText('Pears').waitFor();
    await page.getByRole('button', { name: 'Delete “Pears”' }).click();
    const deleted = page.waitForResponse((response) => response.request().method() === 'DELETE');
    await page.locator('#notices').getByRole('button', { name: 'Close' }).click();
    await deleted;
    const left = await target.call<{ title: string }[]>(`/conversations?user_id=${user}`);
    expect(left.json.map(({ title }) => title)).toEqual(['Apple pie']);
    expect(mistakes).toEqual([]);
  });

  it('sends files with a message, by choice and by pasting, and shows them', async () => {
    const { page, mistakes } = await visitors.open({ model: 'offline' });
    const text = Buffer.from('The lighthouse keeper is called Ada.');
    await page.setInputFiles('#attach-file', [
      { name: 'notes.txt', mimeType: 'text/plain', buffer: text },
      { name: 'wrong.txt', mimeType: 'text/plain', buffer: text },
    ]);
    await page.getByRole('button', { name: 'Remove wrong.txt' }).click();
    await page.evaluate(`{
      const data = new DataTransfer();
      data.items.add(new File(['Pasted text.'], 'pasted.txt', { type: 'text/plain' }));
      document.querySelector('#composer-text').dispatchEvent(
        new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }),
      );
    }`);
    await page.getByRole('button', { name: 'Remove pasted.txt' }).waitFor();
    await ask(page, 'Who keeps it?');
    await whole(page, 2);
    const links = page.locator('.user .files a');
    expect(await links.allTextContents()).toEqual([
      expect.stringContaining('notes.txt'),
      expect.stringContaining('pasted.txt'),
    ]);
    expect(await page.locator('#attachments').isHidden()).toBe(true);
    await page.reload();
    await whole(page, 2);
    const address = new URL((await links.first().getAttribute('href')) ?? '');
    expect((await target.call(address.pathname + address.search)).text).toContain('called Ada');
    expect(mistakes).toEqual([]);
  });

  it('shows what was used, gives out all data, and deletes it', async () => {
    const { page, mistakes, user } = await visitors.open();
    await ask(page, 'Something to count');
    await whole(page, 2);
    // Whoever presses again while it is loaded has one, and not two.
    await page
      .getByRole('button', { name: 'Settings' })
      .evaluate((pressed: HTMLElement) => [1, 2].forEach(() => pressed.click()));
    await page.getByRole('img', { name: /^Tokens by day\. Highest: [\d,]+/u }).waitFor();
    expect(await page.getByRole('dialog').count()).toBe(1);
    expect(await page.locator('dialog tbody th').textContent()).toBe('openai/default');
    await page.getByRole('tab', { name: 'My data' }).click();
    const link = page.getByRole('link', { name: 'Download my data' });
    const address = new URL((await link.getAttribute('href')) ?? '', target.url);
    const all = await target.call(address.pathname + address.search);
    expect(all.text).toContain('Something to count');
    await page.getByRole('button', { name: 'Delete all my data' }).click();
    await page
      .getByRole('dialog')
      .last()
      .getByRole('button', { name: 'Delete all my data' })
      .click();
    await page.locator('#empty').waitFor();
    await page.locator('#found').getByText('Your conversations will be here.').waitFor();
    expect((await target.call(`/conversations?user_id=${user}`)).json).toEqual([]);
    expect(mistakes).toEqual([]);
  });

  it('keeps the draft, and lists the keys under ?', async () => {
    const { page } = await visitors.open();
    await page.fill('#composer-text', 'half a thought');
    await page.reload();
    await started(page);
    expect(await page.inputValue('#composer-text')).toBe('half a thought');
    // The page puts the cursor there when it has started; keys are for what is outside of it.
    await page.locator('#composer-text:focus').waitFor();
    await page.locator('#title').click();
    await page.keyboard.press('?');
    await page.getByRole('heading', { name: 'Keyboard' }).waitFor();
  });

  it('keeps what is written before its script is there', async () => {
    const { page } = await visitors.open();
    await page.fill('#composer-text', 'half a thought');
    const isThere = Promise.withResolvers<void>();
    await page.route(/\.js$/u, async (route) => {
      await isThere.promise;
      await route.continue();
    });
    await page.reload({ waitUntil: 'commit' });
    await page.fill('#composer-text', 'A new one');
    expect(await page.locator('#send').isDisabled()).toBe(true);
    isThere.resolve();
    await started(page);
    expect(await page.inputValue('#composer-text')).toBe('A new one');
    await page.click('#send');
    await whole(page, 2);
  });

  it('speaks German to a reader of German', async () => {
    const { page, mistakes } = await visitors.open({ locale: 'de-DE', model: 'offline' });
    expect(await page.getAttribute('#composer-text', 'placeholder')).toBe('Frag etwas …');
    await ask(page, 'Hallo');
    await whole(page, 2);
    await page.locator('#conversations').getByText('Heute').waitFor();
    await page.getByRole('button', { name: 'Neu antworten' }).waitFor();
    expect(mistakes).toEqual([]);
  });

  it('goes on in the same place after each cut of its connection, and has all', async () => {
    const proxy = await startCuttingProxy(new URL(target.url));
    const cutting = new Visitors(proxy);
    const tokens = Array.from({ length: 300 }, (_, at) => `W${at} “ü” `);
    const { model, name } = await scripted(target, {
      tokens,
      delayMs: { between: 5 },
      holdAt: 299,
    });
    const { page } = await cutting.open({ model });
    await ask(page, 'Go on');
    const growing = page.locator('.assistant[aria-busy] .text');
    await growing.waitFor();
    await page.evaluate(`{
      globalThis.drawings = 0;
      const options = { characterData: true, childList: true, subtree: true };
      new MutationObserver(() => (drawings += 1)).observe(messages, options);
    }`);
    for (const at of [3, 100, 200]) {
      await growing.getByText(`W${at} `).waitFor();
      await growing.evaluate((element) => element.setAttribute('data-same', 'true'));
      proxy.cut();
    }
    await growing.getByText('W298 ').waitFor();
    await target.upstream.release(name);
    await whole(page, 2);
    expect(await lastText(page)).toContain(tokens.join('').trim());
    expect(await page.locator('.text[data-same]').count()).toBe(1);
    // What comes together is drawn together.
    expect(await page.evaluate<number>('drawings')).toBeLessThan(tokens.length / 3);
    await cutting.close();
    proxy.close();
  });

  it('draws Markdown, and nothing that attacks', async () => {
    const text = [
      '# Title\n\nSome **bold** text and `code`.\n\n- one\n- two\n\n',
      '[bad](javascript:alert(1)) [good](https://example.com/a)\n\n',
      '![pixel](https://elsewhere.example/pixel.png)\n\n',
      '<img src=x onerror=alert(1)><script>alert(1)</script>\n\n',
      '| a | b |\n| --- | ---: |\n| 1 | 2 |\n\n',
      'Take list[0] and [**this**], as a note[^1] says.\n\n',
      '```js\nconst a = "<b>";\n```\n',
    ].join('');
    const { model } = await scripted(target, { text, cut: 3 });
    const { page, mistakes, asked } = await visitors.open();
    await offer(page, model);
    await ask(page, 'Show me');
    await whole(page, 2);
    const answer = page.locator('#messages > li:last-child .text');
    expect(await answer.locator('strong').first().textContent()).toBe('bold');
    expect(await answer.locator('li').count()).toBe(2);
    expect((await answer.locator('th').allTextContents()).map((cell) => cell.trim())).toEqual([
      'a',
      'b',
    ]);
    const sides = await answer
      .locator('th, td')
      .evaluateAll((cells) => cells.map((cell) => getComputedStyle(cell).textAlign));
    expect(sides).toEqual(['start', 'right', 'start', 'right']);
    await answer.locator('pre code .token.keyword').waitFor();
    expect(await answer.locator('pre code').textContent()).toBe('const a = "<b>";');
    expect(await answer.locator('img, script').count()).toBe(0);
    await answer.getByText('Take list[0] and [this], as a note1 says.').waitFor();
    expect(await answer.locator('sup').textContent()).toBe('1');
    const addresses = await answer
      .locator('a[href]')
      .evaluateAll((links) => links.map((link) => link.getAttribute('href')));
    expect(addresses).toEqual(['https://example.com/a', 'https://elsewhere.example/pixel.png']);
    expect(asked.filter((url) => !url.startsWith(target.url))).toEqual([]);
    expect(mistakes).toEqual([]);
  });
});
