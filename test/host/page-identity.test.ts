/** The page of a server that asks who is calling, and whose tools ask before they run. */
import type { Page } from 'playwright-core';
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

  it('asks for the key again in the middle of an answer, and goes on with it', async () => {
    const { page, key } = await signedIn();
    await page.route(
      /\/events$/u,
      async (route) => {
        await page.context().clearCookies();
        await route.fulfill({ status: 401, json: { code: 'unauthenticated' } });
      },
      { times: 1 },
    );
    await ask(page, 'Go on');
    await page.fill('#key', key);
    await page.keyboard.press('Enter');
    await whole(page, 2);
    await page.locator('.assistant').getByText('Go on').waitFor();
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
    await whole(page, 2);

    // On a phone nothing lies over what it asks, wherever the view is.
    await page.setViewportSize({ width: 360, height: 480 });
    expect(await covered(page)).toEqual([]);
    await page.setViewportSize({ width: 1280, height: 720 });

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

/** What lies over a control of a card, by the place of the view: it goes through all of it. */
function covered(page: Page): Promise<string[]> {
  return page.evaluate(`(async () => {
    // The list slides out of a window that has become narrow.
    await Promise.allSettled(document.getAnimations().map(({ finished }) => finished));
    const found = new Set();
    for (let top = 0; top <= view.scrollHeight; top += 20) {
      view.scrollTop = top;
      await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)));
      const inside = view.getBoundingClientRect();
      for (const control of document.querySelectorAll('.card :is(button, input)')) {
        const { left, top: y, width, height } = control.getBoundingClientRect();
        if (y < inside.top || y + height > inside.bottom) continue;
        for (const x of [left + 4, left + width / 2, left + width - 4]) {
          const seen = document.elementFromPoint(x, y + height / 2);
          if (!control.contains(seen)) found.add(control.textContent + ': ' + seen?.id);
        }
      }
    }
    return [...found];
  })()`);
}
