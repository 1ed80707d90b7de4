/** Everything that the page can do, by the keyboard alone. */
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import { post } from './documents-client.ts';
import { ask, hasNoBrowser, Visitors, whole } from './page-client.ts';
import { suiteTarget, unique } from './target.ts';
import { scripted } from './turns.ts';

const target = suiteTarget();
const visitors = new Visitors(target);

/** The most elements between two places of the page, by Tab. */
const FAR = 60;

/** What the focus can be on, by the name that it is told by. */
const NAMES = `{
  const nameOf = (one) =>
    one.getAttribute('aria-label') || one.labels?.[0]?.textContent.trim() || one.textContent.trim();
  const top = document.querySelector('dialog:last-of-type') ?? document;
  const all = top.querySelectorAll('a[href], button:enabled, input, summary');
  ({
    focused: nameOf(document.activeElement),
    seen: [...all].filter((one) => one.checkVisibility()).map(nameOf),
  });
}`;

/** Goes on by Tab until an element with this name has the focus, once there is one. */
async function tabTo(page: Page, name: string | RegExp): Promise<void> {
  const names = () => page.evaluate<{ focused: string; seen: string[] }>(NAMES);
  const isIt = (one: string) => (typeof name === 'string' ? one === name : name.test(one));
  await expect.poll(async () => (await names()).seen).toSatisfy((seen) => seen.some(isIt));
  const passed: string[] = [];
  for (let times = 0; times < FAR; times += 1) {
    await page.keyboard.press('Tab');
    const { focused } = await names();
    if (isIt(focused)) return;
    passed.push(focused);
  }
  throw new Error(`no ${String(name)} among ${passed.join(' | ')}`);
}

async function press(page: Page, name: string | RegExp): Promise<void> {
  await tabTo(page, name);
  await page.keyboard.press('Enter');
}

/** Goes to the last message, from where its tools are the next ones. */
async function toLast(page: Page): Promise<void> {
  await page.locator('#title').click();
  await page.keyboard.press('Alt+ArrowUp');
}

interface Way {
  what: string;
  /** Does it, on a page with a conversation of a question and an answer. */
  act: (page: Page) => Promise<void>;
  /** Waits until it is done. */
  done: (page: Page) => Promise<unknown>;
}

const WAYS: Way[] = [
  {
    what: 'copies an answer',
    async act(page) {
      await toLast(page);
      await press(page, 'Copy');
    },
    done: (page) => page.locator('#status').getByText('Copied.').waitFor({ state: 'attached' }),
  },
  {
    what: 'says a message differently',
    async act(page) {
      await toLast(page);
      await page.keyboard.press('Alt+ArrowUp');
      await press(page, 'Edit');
      await page.keyboard.type(' or so');
      await page.keyboard.press('Enter');
    },
    done: (page) => page.locator('.user').getByText('2/2').waitFor(),
  },
  {
    what: 'goes to the version before',
    async act(page) {
      await toLast(page);
      await press(page, 'Version before');
    },
    // It is drawn anew, and has kept the focus.
    done: (page) => page.locator('.user:focus').getByText('1/2').waitFor(),
  },
  {
    what: 'answers again',
    async act(page) {
      await toLast(page);
      await press(page, 'Answer again');
      await page.getByText('2/2').first().waitFor();
    },
    done: (page) => whole(page, 2),
  },
  {
    what: 'goes on in a copy',
    async act(page) {
      await toLast(page);
      await press(page, 'Continue from here in a new conversation');
    },
    done: (page) => page.getByText('This is a copy').waitFor(),
  },
  {
    what: 'deletes a message',
    async act(page) {
      await toLast(page);
      await press(page, 'Delete');
      await page.getByRole('dialog').waitFor();
      await press(page, 'Delete');
    },
    done: (page) => page.locator('.assistant').waitFor({ state: 'detached' }),
  },
  {
    what: 'renames a conversation',
    async act(page) {
      await page.keyboard.press('Control+k');
      await press(page, /^Rename/u);
      await page.keyboard.type('By keys');
      await page.keyboard.press('Enter');
    },
    done: (page) => page.locator('#conversations').getByText('By keys').waitFor(),
  },
  {
    what: 'deletes a conversation, and takes that back',
    async act(page) {
      const before = await page.locator('#conversations .title').count();
      await page.keyboard.press('Control+k');
      await press(page, /^Delete/u);
      await page.getByText('is deleted').waitFor();
      // The focus goes to what is in the place of the row now.
      await page.locator('#conversations .title:focus').waitFor();
      await press(page, 'Undo');
      await expect.poll(() => page.locator('#conversations .title').count()).toBe(before);
    },
    done: (page) => page.getByText('is deleted').waitFor({ state: 'detached' }),
  },
  {
    what: 'looks at the usage, the tools, the data and the look',
    async act(page) {
      await page.locator('#title').click();
      await press(page, 'Settings');
      for (const name of ['Tools', 'My data', 'Look']) {
        await page.getByRole('tabpanel', { name: /./u }).waitFor();
        if (await page.locator('[role=tab]:focus').count()) await page.keyboard.press('ArrowRight');
        else {
          await tabTo(page, 'Usage');
          await page.keyboard.press('ArrowRight');
        }
        await page.getByRole('tabpanel', { name }).waitFor();
      }
    },
    async done(page) {
      await page.getByRole('radio', { name: 'Dark' }).waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    },
  },
  {
    what: 'opens the documents',
    async act(page) {
      await page.locator('#title').click();
      await press(page, 'Documents');
      // What the dialog takes is loaded when it is first opened: until then, Tab goes on behind it.
      await page.getByRole('dialog').waitFor();
    },
    async done(page) {
      await tabTo(page, /Choose files/u);
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    },
  },
];

describe.skipIf(hasNoBrowser)('by the keyboard alone, the page', { timeout: 180_000 }, () => {
  afterAll(() => visitors.close());

  it('does all that it can do with what is there', async () => {
    const { page, mistakes } = await visitors.open({ model: 'offline' });
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await ask(page, 'What can be done?');
    await whole(page, 2);
    for (const { what, act, done } of WAYS) {
      await act(page).catch((error: unknown) => {
        throw new Error(what, { cause: error });
      });
      await done(page);
      if (what !== 'deletes a message') continue;
      await page.keyboard.press('Alt+n');
      await page.locator('#empty').waitFor();
      await ask(page, 'Again');
      await whole(page, 2);
    }
    expect(mistakes).toEqual([]);
  });

  it('opens a citation, and its passage in the document', async () => {
    const user = unique('owner');
    await post({ user_id: user, title: 'Manual', text: 'The blue valve needs oil every month.' });
    const { page, mistakes } = await visitors.open({ user, model: 'offline' });
    await page.locator('#rag').focus();
    await page.keyboard.press('Space');
    await ask(page, 'How often does the blue valve need oil?');
    await whole(page, 2);
    await toLast(page);
    await press(page, /^Source 1|\[1\]/u);
    await page.locator('details[open]').getByText('every month').first().waitFor();
    await press(page, 'Open in the document');
    await page.locator('.document mark').waitFor();
    await page.keyboard.press('Escape');
    expect(mistakes).toEqual([]);
  });

  it('stops an answer, and is told all keys', async () => {
    const { model } = await scripted(target, {
      tokens: ['on '],
      infinite: true,
      delayMs: { between: 50 },
    });
    const { page } = await visitors.open({ model });
    await ask(page, 'Go on');
    await page.getByText('on on').first().waitFor();
    await press(page, 'Stop');
    await page.getByText('Stopped.').waitFor();
    await page.locator('#title').click();
    await page.keyboard.press('?');
    await page.getByText('Add the message to the answer that comes').waitFor();
  });
});
