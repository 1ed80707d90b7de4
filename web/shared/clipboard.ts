/** Copies texts. */
import { tell } from './notices.ts';
import { drawIcon } from './icons.ts';
import { say } from './words.ts';

/** Milliseconds for which a button shows that it has copied. */
const SHOWN_MS = 1_500;

/** Copies a text, and lets the button that asked for it say so. */
export async function copyText(text: string, asked: HTMLElement): Promise<void> {
  // Off https a page has no clipboard.
  await (navigator.clipboard?.writeText(text) ?? Promise.reject(new Error('no clipboard'))).catch(
    () => copySelection(text),
  );
  tell(say('copied'));
  const picture = [...asked.childNodes];
  asked.replaceChildren(drawIcon('check'));
  setTimeout(() => asked.replaceChildren(...picture), SHOWN_MS);
}

function copySelection(text: string): void {
  const field = document.createElement('textarea');
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand('copy');
  field.remove();
}
