/** The example with `useChat` while its server crashes, or is stopped, and starts again. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath, startChromium } from '../support/chromium.ts';
import { serveExample } from '../support/example-page.ts';
import { request } from '../support/http.ts';
import { OwnServers } from '../support/own-servers.ts';
import type { TestServer } from '../support/server.ts';
import { unique } from '../suite/target.ts';
import type { MessageJson } from '../suite/turns.ts';

describe.skipIf(chromiumPath === undefined)('a page with useChat', () => {
  const own = new OwnServers({ TURN_LEASE_MS: '1000', SHUTDOWN_GRACE_MS: '0' });
  let server: TestServer;
  let browser: Browser;
  let example: Awaited<ReturnType<typeof serveExample>>;

  beforeAll(async () => {
    [server, browser, example] = await Promise.all([
      ...([own.serve(), startChromium(), serveExample('use-chat')] as const),
    ]);
  }, 120_000);
  afterAll(async () => {
    await browser.close();
    example.close();
    await own.close();
  });

  it.each(['kill', 'stop'] as const)(
    'shows what was kept when its server ended, and goes on (%s)',
    { timeout: 120_000 },
    async (end) => {
      const [user, name] = [unique('visitor'), unique('model')];
      own.upstream.script(name, [{ tokens: ['on and '], holdAt: 1 }, { text: 'Here I am.' }]);
      const page = await browser.newPage();
      await page.goto(example.address({ server: server.url, model: `openai/${name}`, user }));
      const composer = page.getByLabel('Message', { exact: true });
      await composer.fill('Never stop');
      await page.keyboard.press('Enter');
      await page.getByText('on and').waitFor();
      await server[end]();
      await server.restart();
      await page.getByText('interrupted').waitFor({ timeout: 60_000 });
      await page.getByRole('status').getByText('ready').waitFor({ timeout: 60_000 });
      await composer.fill('And now?');
      await page.keyboard.press('Enter');
      await page.getByText('Here I am.').waitFor({ timeout: 60_000 });
      const list = await request<{ conversation_id: string }[]>(
        `${server.url}/conversations?user_id=${user}`,
      );
      const [only, ...others] = list.json;
      const stored = await request<{ messages: MessageJson[] }>(
        `${server.url}/conversations/${only?.conversation_id}`,
      );
      const contents = stored.json.messages.map(({ content }) => content.trim());
      const texts = await page.locator('.text').allTextContents();
      expect([others, texts.map((text) => text.trim())]).toEqual([[], contents.filter(Boolean)]);
      expect(stored.json.messages.map(({ status }) => status)).toEqual([
        ...['complete', 'interrupted', 'complete', 'complete'],
      ]);
      await page.close();
    },
  );
});
