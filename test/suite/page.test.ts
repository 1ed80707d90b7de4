/** The page, in a real browser: what a person does with it, and what is then stored. */
import { afterAll, describe, expect, it } from 'vitest';
import { seedUser } from '../support/seeded-user.ts';
import { ask, hasNoBrowser, lastText, stored, Visitors, whole } from './page-client.ts';
import { suiteTarget, unique } from './target.ts';
import { scripted } from './turns.ts';

const target = suiteTarget();
const visitors = new Visitors(target);

const words = (count: number) => Array.from({ length: count }, (_, at) => `word${at} `);

describe.skipIf(hasNoBrowser)('the page', { timeout: 120_000 }, () => {
  afterAll(() => visitors.close());

  it('answers a visitor who types and presses Enter', async () => {
    const { page, mistakes } = await visitors.open({ model: 'offline' });
    await ask(page, 'Hello');
    await whole(page, 2);
    expect(await lastText(page)).toContain('offline model');
    expect(await page.textContent('#title')).toBe('Hello');
    expect(await page.title()).toBe('Hello · parley');
    expect(await page.locator('#conversations li[data-id]').count()).toBe(1);
    expect(await page.inputValue('#composer-text')).toBe('');
    expect(mistakes).toEqual([]);
  });

  it('has the whole answer after a reload in the middle of it', async () => {
    const tokens = words(40);
    const { model } = await scripted(target, { tokens, delayMs: { between: 60 } });
    const { page, mistakes } = await visitors.open({ model });
    await ask(page, 'Tell me a tale');
    await page.getByText('word3').first().waitFor();
    await page.reload();
    await whole(page, 2);
    const [, answer] = await stored(target, page);
    expect(answer?.content).toBe(tokens.join(''));
    expect((await lastText(page))?.trim()).toBe(answer?.content.trim());
    expect(mistakes).toEqual([]);
  });

  it('shows an answer in two tabs, and both have all of it', async () => {
    const tokens = words(30);
    const { model } = await scripted(target, { tokens, delayMs: { between: 60 } });
    const { page, mistakes } = await visitors.open({ model });
    await ask(page, 'Tell both');
    await page.getByText('word3').first().waitFor();
    const other = await page.context().newPage();
    await other.goto(page.url());
    await Promise.all([whole(page, 2), whole(other, 2)]);
    expect((await lastText(page))?.trim()).toBe(tokens.join('').trim());
    expect(await lastText(other)).toBe(await lastText(page));
    expect(mistakes).toEqual([]);
  });

  it('stops by Esc, keeps what was said, and lets messages wait their turn', async () => {
    const { model } = await scripted(target, [
      { tokens: ['on and '], infinite: true, delayMs: { between: 50 } },
      { text: 'Second.' },
    ]);
    const { page } = await visitors.open({ model });
    await ask(page, 'Never stop');
    await page.getByText('on and').first().waitFor();
    await ask(page, 'And then?');
    expect(await page.textContent('#queue li')).toContain('And then?');
    // It can be taken back, and its removal, too; a draft stays.
    await page.fill('#composer-text', 'a draft');
    await page.getByRole('button', { name: 'Do not send' }).click();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.locator('#queue').getByRole('button', { name: 'Edit' }).click();
    expect(await page.inputValue('#composer-text')).toBe('And then?\n\na draft');
    await ask(page, 'And then?');
    await page.keyboard.press('Escape');
    await page.getByText('Stopped.').waitFor();
    await whole(page, 4);
    const messages = await stored(target, page);
    expect(messages.map(({ status }) => status).slice(1)).toEqual([
      'cancelled',
      'complete',
      'complete',
    ]);
    expect(messages.at(-1)?.content).toBe('Second.');
    expect(await page.locator('#queue').isHidden()).toBe(true);
  });

  it('answers again, edits, goes between the versions, forks and deletes', async () => {
    const { page, mistakes } = await visitors.open();
    await ask(page, 'First');
    await whole(page, 2);
    await page.getByRole('button', { name: 'Answer again' }).click();
    await page.getByText('2/2').waitFor();
    await page.getByRole('button', { name: 'Version before' }).click();
    await page.getByText('1/2').waitFor();
    await page.getByRole('button', { name: 'Edit', exact: true }).click();
    await page.getByLabel('The message, edited').fill('First, said differently');
    await page.keyboard.press('Enter');
    await page.locator('.user[data-id]').getByText('First, said differently').waitFor();
    await whole(page, 2);
    const messages = await stored(target, page);
    expect(messages[0]?.content).toBe('First, said differently');
    expect(messages[0]?.siblings).toEqual({ index: 2, count: 2 });
    await page.getByText('2/2').waitFor();

    const before = page.url();
    await page.getByRole('button', { name: 'Continue from here' }).last().click();
    await page.getByText('This is a copy').waitFor();
    expect(page.url()).not.toBe(before);
    expect(await stored(target, page)).toHaveLength(2);
    await page.getByRole('button', { name: 'Delete', exact: true }).last().click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.locator('.assistant').waitFor({ state: 'detached' });
    expect(await stored(target, page)).toHaveLength(1);
    await page.goBack();
    await whole(page, 2);
    expect(page.url()).toBe(before);
    expect(mistakes).toEqual([]);
  });

  it('answers from a document that was added, and opens the passage in its place', async () => {
    const { page, mistakes } = await visitors.open();
    await page.getByRole('button', { name: 'Documents', exact: true }).click();
    const text = 'Pumps come first.\n\nThe blue valve closes clockwise.\n\nPipes come last.';
    await page.setInputFiles('#file', {
      name: 'valves.txt',
      mimeType: 'text/plain',
      buffer: Buffer.from(text),
    });
    await page.locator('#documents').getByText('valves').waitFor();
    await page.locator('#documents').getByText('1 passage', { exact: true }).waitFor();
    await page.keyboard.press('Escape');
    await page.check('#rag');
    await ask(page, 'Which way does the blue valve close?');
    await whole(page, 2);
    // What is asked next is answered from them, too.
    expect(await page.isChecked('#rag')).toBe(true);
    await page.getByText('[1]').last().click();
    expect(await page.locator('#messages details p').textContent()).toContain('clockwise');
    await page.getByRole('button', { name: 'Open in the document' }).click();
    await page.locator('.document').getByText('Pipes come last.').waitFor();
    expect(await page.locator('.document mark').textContent()).toContain('clockwise');
    expect(mistakes).toEqual([]);
  });

  it('shows a conversation as a page that needs no script, and runs nothing of it', async () => {
    const attack = '<img src=x onerror=alert(1)>';
    const text = `It **is** ${attack}.\n\n- one\n- [x](javascript:alert)\n\n\`\`\`js\nf("<b>")\n\`\`\`\n`;
    const { model } = await scripted(target, { text });
    const { page, mistakes } = await visitors.open({ model });
    await ask(page, `${attack} & "more"`);
    await whole(page, 2);
    const address = (await page.getAttribute('#as-page', 'href')) ?? '';
    const reader = await visitors.open({
      path: address.slice(target.url.length),
      javaScriptEnabled: false,
      isReady: false,
      locale: 'de-CH',
    });
    const read = reader.page;
    expect(await read.textContent('.user div')).toBe(`${attack} & "more"`);
    expect(await read.textContent('.assistant p')).toBe(`It is ${attack}.`);
    expect(await read.locator('.assistant :is(strong, li, pre code)').allTextContents()).toEqual([
      ...['is', 'one', 'x', 'f("<b>")'],
    ]);
    expect(await read.locator('img, [href^=javascript]').count()).toBe(0);
    expect(await read.getAttribute('html', 'lang')).toBe('de');
    expect(await read.locator('h2').allTextContents()).toEqual([
      expect.stringMatching(/^Frage .+ UTC$/u),
      expect.stringMatching(/^Antwort .+ UTC$/u),
    ]);
    const { headers } = await target.call(new URL(address).pathname, {
      headers: { accept: 'text/html' },
    });
    expect(headers['content-security-policy']).toContain("default-src 'none'; style-src 'self'");
    expect(headers.vary).toMatch(/\baccept\b.*accept-language/iu);
    expect([...mistakes, ...reader.mistakes]).toEqual([]);
  });
});

it('links the pages of a long conversation that is read without a script', async () => {
  const user = unique('reader')
    .replaceAll(/[^a-z\d]/gu, '')
    .slice(0, 16);
  const text = (at: number) => `Message ${at}.`;
  const { databaseUrl } = target;
  const id = await seedUser({ databaseUrl, user, conversations: 1, messages: 1_203, text });
  const read = async (path: string) => {
    const { text: page } = await target.call<string>(path, { headers: { accept: 'text/html' } });
    const said = [...page.matchAll(/Message (\d+)\./gu)].map(([, at]) => Number(at));
    const links = [...page.matchAll(/<a href="([^"]+)">(\w+)/gu)].map(
      ([, path = '', name = '']) => [name, path.replaceAll('&amp;', '&')] as const,
    );
    return { said, links: new Map(links) };
  };
  let page = await read(`/conversations/${id}?user_id=${user}`);
  const seen = [...page.said];
  expect(page.links.has('Later')).toBe(false);
  while (page.links.has('Earlier')) {
    page = await read(page.links.get('Earlier') ?? '');
    seen.unshift(...page.said);
    if (seen[0] === 1) break;
  }
  expect([...new Set(seen)].toSorted((one, other) => one - other)).toEqual(
    Array.from({ length: 1_203 }, (_, at) => at + 1),
  );
  expect((await read(page.links.get('Later') ?? '')).said[0]).toBe(page.said.at(-1)! + 1);
});

it('is sent with a policy that allows no script but its own', async () => {
  const { headers } = await target.call('/', { headers: { accept: 'text/html' } });
  const policy = String(headers['content-security-policy']);
  expect(policy).toContain("script-src 'self'");
  expect(policy).toContain("require-trusted-types-for 'script'; trusted-types 'none'");
  expect(policy).not.toContain('unsafe');
});
