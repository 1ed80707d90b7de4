/** Code in an answer: its language, a button that copies it, and colours when it is whole. */
import { copyText } from '../shared/clipboard.ts';
import { iconButton, make } from '../shared/elements.ts';
import { say } from '../shared/words.ts';

/** UTF-16 units of the longest code that gets colours: more would hold the page up. */
const LONGEST = 30_000;

/** Adds an empty block and returns the element that its text goes into. */
export function addCodeBlock(parent: HTMLElement): HTMLElement {
  const code = make('code');
  const name = make('span', { class: 'language' });
  const copy = iconButton('copy', say('copyCode'), () => void copyText(code.textContent, copy));
  parent.append(
    make(
      'figure',
      { class: 'code' },
      make('figcaption', {}, name, copy),
      make('pre', { tabIndex: 0, dir: 'ltr' }, code),
    ),
  );
  return code;
}

/** Finishes a block whose text is whole; other elements are left as they are. */
export function finishCodeBlock(code: HTMLElement | undefined): void {
  const frame = code?.closest<HTMLElement>('figure.code');
  if (!code || !frame || code.tagName !== 'CODE') return;
  const language = (code.dataset['language'] ?? '').toLowerCase();
  const name = frame.querySelector('.language');
  if (name) name.textContent = language;
  if (!/^[\w+#-]{1,20}$/u.test(language) || code.textContent.length > LONGEST) return;
  void import('./highlight.ts').then(({ highlight }) => highlight(code, language));
}
