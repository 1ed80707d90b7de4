/** The page of a server that asks who is calling, and whose tools ask before they run. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasNoBrowser, ask, offer, Visitors, whole } from '../suite/page-client.ts';
import { startIdentityServer, type IdentityServer } from '../suite/identity.ts';
import { unique } from '../suite/target.ts';

describe.skipIf(hasNoBrowser)('the page, with identity', { timeout: 180_000 }, () => {
  let identity: IdentityServer;
  let visitors: Visitors;

  beforeAll(async () => {
    identity = await startIdentityServer('node', {
      TOOL_APPROVAL: 'search_conversations',
      LIMIT_TOKENS_PER_DAY: '1000000',
    });
    visitors = new Visitors({ url: identity.server.url });
  }, 150_000);
  afterAll(async () => {
    await visitors.close();
    await identity.close();
  });

  async function signedIn() {
    const user = unique('user');
    const key = await identity.key({ user });
    const visitor = await visitors.open({ isReady: false });
    const { page } = visitor;
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await page.fill('#key', key);
    await page.keyboard.press('Enter');
    await page.locator('#model option').first().waitFor({ state: 'attached' });
    return { ...visitor, user, key };
  }

  it('gets a session for a key, and keeps the key nowhere', async () => {
    const { page, key } = await signedIn();
    await page.locator('#composer-text:focus').waitFor();
    await ask(page, 'Hello');
    await whole(page, 2);
    const kept = await page.evaluate<string>(
      'JSON.stringify({ ...localStorage }) + document.cookie',
    );
    expect(kept).not.toContain('parley_');
    expect(kept).not.toContain(key);
    await page.reload();
    await whole(page, 2);

    // The session ends meanwhile: what was written stays, and goes on after signing in.
    await page.context().clearCookies();
    await ask(page, 'Are you there?');
    await page.fill('#key', 'parley_wrong');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('This key is not valid.').waitFor();
    await page.fill('#key', key);
    await page.keyboard.press('Enter');
    await whole(page, 4);
  });

  it('makes a key, shows it once, and revokes it', async () => {
    const { page, user } = await signedIn();
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByRole('tab', { name: 'Keys' }).click();
    await page.getByLabel('Name').fill('laptop');
    await page.keyboard.press('Enter');
    const shown = await page.locator('.new-key code').textContent();
    const asKey = () => identity.call('/conversations', { as: shown ?? '' });
    expect((await asKey()).status).toBe(200);
    const row = page.getByRole('listitem').filter({ hasText: 'laptop' });
    await row.getByRole('button', { name: 'Revoke' }).click();
    await page.getByRole('dialog').last().getByRole('button', { name: 'Revoke' }).click();
    await row.waitFor({ state: 'detached' });
    expect((await asKey()).status).toBe(401);

    await page.getByRole('tab', { name: 'Usage' }).click();
    await page.getByText('Tokens today').waitFor();
    await page.getByText('1,000,000 of 1,000,000 left.').waitFor();
    await page.getByRole('tab', { name: 'My data' }).click();
    await page.getByText(`Everything of ${user}`).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  });

  it('asks before a tool runs, with what it was asked for, and takes the permission back', async () => {
    const search = { name: 'search_conversations', input: { query: 'lighthouse' } };
    const name = unique('model');
    identity.upstream.script(name, [
      { toolCalls: [[search]] },
      { text: 'Then not.' },
      { toolCalls: [[search]] },
      { text: 'It is red.' },
      { toolCalls: [[search]] },
      { text: 'Still red.' },
    ]);
    const { page, key, mistakes } = await signedIn();
    const json = { message: 'The lighthouse is red', model: 'offline' };
    await identity.call('/conversations', { json, as: key });
    await offer(page, `openai/${name}`);
    await ask(page, 'What colour is it?');
    const card = page.getByRole('region', { name: 'May this run?' });
    await card.getByText('lighthouse').waitFor();

    // A decision that is refused can be made again.
    const messages = /\/messages$/u;
    await page.route(messages, (route) =>
      route.request().method() === 'POST'
        ? route.fulfill({ status: 429, json: { code: 'rate_limited' } })
        : route.fallback(),
    );
    await card.getByRole('button', { name: 'Allow once' }).click();
    await page.getByText('That was too many messages at once.').waitFor();
    await page.unroute(messages);
    await card.getByLabel('A reason').fill('not today');
    await card.getByRole('button', { name: 'Deny' }).click();
    await page.getByText('Then not.').waitFor();
    await page.getByText('You denied it.').waitFor();
    await ask(page, 'And now?');
    await card.getByRole('button', { name: 'Always allow' }).click();
    await page.getByText('It is red.').waitFor();
    await ask(page, 'And still?');
    await page.getByText('Still red.').waitFor();
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByRole('tab', { name: 'Tools' }).click();
    await page.getByRole('button', { name: 'Ask again' }).click();
    await page.getByRole('button', { name: 'Ask again' }).waitFor({ state: 'detached' });
    expect(mistakes.filter((line) => !/401|429/u.test(line))).toEqual([]);
  });
});
