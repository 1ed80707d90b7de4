import { expect, it } from 'vitest';
import { drawMarkdown } from '../../../../src/routes/reading/draw-markdown.ts';
import { write } from '../../../../src/routes/reading/markup.ts';

async function draw(text: string): Promise<string> {
  const drawn = await drawMarkdown(text, { base: 'https://parley.example/c', task: 'Task' });
  return drawn.map(write).join('');
}

it.each([
  ['Some **bold** and `a < b`.', '<p>Some <strong>bold</strong> and <code>a &lt; b</code>.</p>'],
  ['# Title', '<h2>Title</h2>'],
  ['```html\n<b>"\n```', '<pre dir="ltr"><code>&lt;b&gt;&quot;</code></pre>'],
  [
    '[a](https://a.example/?b="c")',
    /<a class="link" href="https:\/\/a.example\/\?b=%22c%22" rel=/u,
  ],
  ['[a](/docs)', /href="https:\/\/parley.example\/docs"/u],
  [
    '![a](https://a.example/b.png)',
    /^<p><a class="picture" href="https:[^"]+" [^>]+>a<\/a><\/p>$/u,
  ],
  ['[a](javascript:alert)', '<p><a class="link">a</a></p>'],
  [
    'Take list[0] and [**this**], says[^1] he.',
    /list\[0\] and \[<strong>this<\/strong>\], says<sup>1<\/sup>/u,
  ],
  ['- [x] done', /<li><input type="checkbox" disabled="" aria-label="Task" checked="">/u],
  [
    '| a | b |\n| --- | ---: |\n| 1 | 2 |',
    /<th> a <\/th><th class="right"> b .*<td class="right"> 2/u,
  ],
])('draws %j', async (text, drawn) => {
  if (typeof drawn === 'string') expect(await draw(text)).toBe(drawn);
  else expect(await draw(text)).toMatch(drawn);
});

it.each([
  '<img src=x onerror=alert(1)>',
  '`<script>alert(1)</script>`',
  '[a](https://a.example/"onclick="alert(1))',
  '![" onerror="alert(1)](https://a.example/x)',
  '```"><script>\ncode\n```',
  '<a href=javascript:alert(1)>x</a>',
  '[a](java\tscript:alert(1)) [b](data:text/html,x) <vbscript:x>',
])('makes nothing but elements of its own of %j', async (text) => {
  const tags = (await draw(text)).match(/<[^>]*>/gu) ?? [];
  const known =
    /^<\/?(?:p|a|code|pre|em|strong)(?: (?:class|rel|dir|href)="(?!javascript|data)[^"<>]*")*>$/u;
  expect(tags.filter((tag) => !known.test(tag))).toEqual([]);
});

it('lets others have their turn while it draws a megabyte', async () => {
  let turns = 0;
  const timer = setInterval(() => (turns += 1));
  expect(await draw(`${'All **work** and no play. '.repeat(25)}\n\n`.repeat(1_500))).toContain(
    '<strong>work</strong>',
  );
  clearInterval(timer);
  expect(turns).toBeGreaterThan(50);
});
