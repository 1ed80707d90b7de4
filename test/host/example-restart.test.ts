/** The example with `useChat` while its server is killed and started again. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath, startChromium } from '../support/chromium.ts';
import { serveExample } from '../support/example-page.ts';
import { request } from '../support/http.ts';
import { OwnServers } from '../support/own-servers.ts';
import type { TestServer } from '../support/server.ts';
import { unique } from '../suite/target.ts';

describe.skipIf(chromiumPath === undefined)('a page with useChat', () => {
  const own = new OwnServers({ TURN_LEASE_MS: '1000' });
  let server: TestServer;

  beforeAll(async () => {
    server = await own.serve();
  }, 60_000);
  afterAll(() => own.close());

  it(
    'shows what was kept when its server was killed, and goes on',
    { timeout: 120_000 },
    async () => {
      const example = await serveExample('use-chat');
      const browser = await startChromium();
      const [user, name] = [unique('visitor'), unique('model')];
      own.upstream.script(name, [
        { tokens: ['on and '], infinite: true, delayMs: { between: 50 } },
        { text: 'Here I am.' },
      ]);
      const page = await browser.newPage();
      await page.goto(example.address({ server: server.url, model: `openai/${name}`, user }));
      const composer = page.getByLabel('Message', { exact: true });
      await composer.fill('Never stop');
      await page.keyboard.press('Enter');
      await page.getByText('on and').waitFor();
      await server.kill();
      await server.restart();
      await page.getByText('interrupted').waitFor({ timeout: 60_000 });
      await page.getByRole('status').getByText('ready').waitFor({ timeout: 60_000 });
      await composer.fill('And now?');
      await page.keyboard.press('Enter');
      await page.getByText('Here I am.').waitFor({ timeout: 60_000 });
      const list = await request<{ message_count: number }[]>(
        `${server.url}/conversations?user_id=${user}`,
      );
      expect(list.json.map(({ message_count }) => message_count)).toEqual([4]);
      expect(await page.locator('li').count()).toBe(4);
      await browser.close();
      example.close();
    },
  );
});
