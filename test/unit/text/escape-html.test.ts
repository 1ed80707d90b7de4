import { expect, it } from 'vitest';
import { escapeHtml } from '../../../src/text/escape-html.ts';

it('leaves no character that begins or ends a tag, an entity or a value', () => {
  expect(escapeHtml(`<a href="x" title='y'>Q&A &lt;</a>`)).toBe(
    '&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;Q&amp;A &amp;lt;&lt;/a&gt;',
  );
});

it('leaves all other text as it is', () => {
  expect(escapeHtml('Zoë 😀 /`{{x}}`')).toBe('Zoë 😀 /`{{x}}`');
});
