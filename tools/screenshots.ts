// Takes the pictures of the page that the README shows. A script, in need of Chromium:
// `npm run screenshots`. The model's service is the scripted one of the tests.
import { mkdir, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { startChromium } from '../test/support/chromium.ts';
import { startServer } from '../test/support/server.ts';
import { startUpstream } from '../test/support/upstream.ts';

const folder = resolve(import.meta.dirname, '../docs/images');

const ANSWER = `A bakery's week in three rules:

1. **Bake what sold**: take the median of the last four same weekdays.
2. **Round up** before holidays, down before rain.
3. **Stop at noon**: what is left then is tomorrow's bread pudding.

| day | loaves | sold out |
| --- | ---: | --- |
| Friday | 84 | 11:40 |
| Saturday | 120 | 10:55 |

As a function:

\`\`\`ts
/** Returns how many loaves to bake, from the sales of the same weekdays. */
export function loaves(sales: number[], isHoliday: boolean): number {
  const sorted = sales.toSorted((one, other) => one - other);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  return isHoliday ? Math.ceil(median * 1.15) : median;
}
\`\`\`

The longer version is in your notes.`;

const upstream = await startUpstream();
const server = await startServer({
  env: {
    ...upstream.env,
    DEFAULT_MODEL: 'openai/gpt-5.4-mini',
    LIMIT_TOKENS_PER_MONTH: '2000000',
    MODEL_PRICES: JSON.stringify([{ model: 'openai/*', from: '2025-01-01', input: 2, output: 10 }]),
  },
});
upstream.script('gpt-5.4-mini', { text: ANSWER, usage: { input: 5_200, output: 8_400 } });
const browser = await startChromium();
try {
  await mkdir(folder, { recursive: true });
  const names = [
    'Names for a boat',
    'Trains to the coast',
    'Why bread rises',
    'Sourdough without a scale',
  ];
  for (const message of names) await post({ message });
  await picture(browser, { name: 'chat', colorScheme: 'light' });
  await picture(browser, { name: 'chat-dark', colorScheme: 'dark' });
  await picture(browser, {
    name: 'phone',
    deviceScaleFactor: 2,
    viewport: { width: 390, height: 800 },
  });
  await picture(browser, { name: 'usage', colorScheme: 'light' }, async (page) => {
    await page.click('#open-settings');
    await page.locator('.plot').first().waitFor();
  });
} finally {
  await browser.close();
  await server.close();
  await upstream.close();
}

async function post(json: object): Promise<void> {
  await fetch(`${server.url}/conversations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ user_id: 'reader', ...json }),
  });
}

async function picture(
  chromium: Browser,
  { name, ...options }: BrowserContextOptions & { name: string },
  act: (page: Page) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const context = await chromium.newContext({
    viewport: { width: 1280, height: 800 },
    locale: 'en',
    ...options,
  });
  const page = await context.newPage();
  await page.addInitScript(() => localStorage.setItem('parley.user', 'reader'));
  await page.goto(server.url);
  await page.locator('#model option').first().waitFor({ state: 'attached' });
  await page.fill('#composer-text', 'How many loaves should we bake on a Friday?');
  await page.press('#composer-text', 'Enter');
  await page.locator('.assistant[data-id] .token').first().waitFor();
  await act(page);
  const png = await page.screenshot({ animations: 'disabled' });
  await writeFile(`${folder}/${name}.webp`, await asWebp(chromium, png));
  await context.close();
}

/** Makes a picture small: the browser has what that takes. */
async function asWebp(chromium: Browser, png: Buffer): Promise<Buffer> {
  const page = await chromium.newPage();
  const source = JSON.stringify(`data:image/png;base64,${png.toString('base64')}`);
  const made = await page.evaluate<string>(`(async () => {
    const picture = Object.assign(new Image(), { src: ${source} });
    await picture.decode();
    const canvas = document.createElement('canvas');
    Object.assign(canvas, { width: picture.width, height: picture.height });
    canvas.getContext('2d').drawImage(picture, 0, 0);
    return canvas.toDataURL('image/webp', 0.9);
  })()`);
  await page.close();
  return Buffer.from(made.slice(made.indexOf(',') + 1), 'base64');
}
