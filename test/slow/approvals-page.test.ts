/**
 * Approvals in the example page with `useChat`, in a real browser: a call is shown and waits for
 * its user's word, over reloads, in other tabs and when the server was killed. It counts once.
 */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath, startChromium } from '../support/chromium.ts';
import { serveExample } from '../support/example-page.ts';
import { request } from '../support/http.ts';
import { asArray, asRecord } from '../support/json.ts';
import { OwnServers } from '../support/own-servers.ts';
import { startServer, type Runtime, type TestServer } from '../support/server.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { unique } from '../suite/target.ts';

const search = { name: 'search_conversations', input: { query: 'lighthouse' }, id: 'call_1' };
const SLOW = { timeout: 60_000 };

describe.skipIf(chromiumPath === undefined).each<Runtime>(['node', 'workerd'])(
  'a page with useChat that asks its user, on %s',
  { timeout: 120_000 },
  (runtime) => {
    const own = new OwnServers();
    let upstream: Upstream;
    let server: TestServer;
    let browser: Browser;
    let example: Awaited<ReturnType<typeof serveExample>>;

    beforeAll(async () => {
      upstream = own.add(await startUpstream());
      const env = { ...upstream.env, TOOL_APPROVAL: 'search_conversations' };
      server = own.add(await startServer({ runtime, env }));
      example = await serveExample('use-chat');
      browser = await startChromium();
    }, 150_000);

    afterAll(async () => {
      await browser.close();
      example.close();
      await own.close();
    });

    /** A page whose last answer asks whether a call may run. */
    async function asking() {
      const name = unique('model');
      upstream.script(name, [{ toolCalls: [[search]] }, { text: 'Found it.' }]);
      const context = await browser.newContext();
      const page = await context.newPage();
      const user = unique('visitor');
      // The tool is there for whoever has something to find.
      const json = { user_id: user, message: 'The lighthouse is red', model: 'offline' };
      await request(`${server.url}/conversations`, { json });
      const fields = { server: server.url, model: `openai/${name}`, user };
      await page.goto(example.address(fields));
      await page.getByLabel('Message', { exact: true }).fill('Where?');
      await page.keyboard.press('Enter');
      await mustAsk(page);
      const asked = () => upstream.requests.filter(({ model }) => model === name);
      /** What the model was told of the call. */
      const told = () =>
        asArray(asRecord(asked().at(-1)?.body)['messages'])
          .map(asRecord)
          .filter(({ role }) => role === 'tool');
      return { page, context, asked, told };
    }

    async function mustAsk(page: Page) {
      await page.getByText('search_conversations: approval-requested').waitFor(SLOW);
      await page.getByRole('button', { name: 'Allow' }).waitFor(SLOW);
    }

    async function press(page: Page, name: string) {
      await page.getByRole('button', { name }).click();
    }

    it('runs the call once when it is allowed after a reload, and again in another tab', async () => {
      const { page, context, asked, told } = await asking();
      const other = await context.newPage();
      await other.goto(page.url());
      await page.reload();
      await Promise.all([page, other].map(mustAsk));
      await press(page, 'Allow');
      await page.getByText('Found it.').waitFor(SLOW);
      await page.getByText('search_conversations: output-available').waitFor(SLOW);
      await press(other, 'Allow');
      await other.getByText('Found it.').waitFor(SLOW);
      await other.reload();
      await other.getByText('search_conversations: output-available').waitFor(SLOW);
      expect(asked()).toHaveLength(2);
      expect(told()).toHaveLength(1);
    });

    it('runs nothing when it is refused after the server was killed', async () => {
      const { page, asked, told } = await asking();
      await server.kill();
      await server.restart();
      await page.reload();
      await mustAsk(page);
      await press(page, 'Refuse');
      await page.getByText('Found it.').waitFor(SLOW);
      await page.getByText('search_conversations: output-denied').waitFor(SLOW);
      expect(asked()).toHaveLength(2);
      expect(told()).toMatchObject([
        { content: expect.stringMatching(/denied|refused|not allow/iu) },
      ]);
    });

    it('takes the word that was given while the server was away, when the page tries again', async () => {
      const { page, asked, told } = await asking();
      await server.kill();
      await press(page, 'Allow');
      await page.getByRole('button', { name: 'Try again' }).waitFor(SLOW);
      await server.restart();
      await press(page, 'Try again');
      await page.getByText('Found it.').waitFor(SLOW);
      await page.getByText('search_conversations: output-available').waitFor(SLOW);
      expect(asked()).toHaveLength(2);
      expect(told()).toHaveLength(1);
    });
  },
);
