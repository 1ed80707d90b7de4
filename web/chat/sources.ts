/** The passages that an answer was made from. A citation in the text opens its passage. */
import type { Source } from '../api/types.ts';
import { button, make } from '../shared/elements.ts';
import { say } from '../shared/words.ts';

/** Draws the list of sources; each opens to its passage. */
export function drawSources(sources: readonly Source[]): HTMLElement {
  return make(
    'div',
    { class: 'sources', role: 'group', 'aria-label': say('sources') },
    ...sources.map(({ n, title, snippet, document_id: id }) =>
      make(
        'details',
        { 'data-source': String(n) },
        make('summary', {}, `[${n}] ${title ?? say('document')}`),
        make('p', { dir: 'auto' }, snippet),
        button(say('openDocument'), () => void openPassage(id, title, snippet), { class: 'link' }),
      ),
    ),
  );
}

async function openPassage(id: string, title: string | null, snippet: string): Promise<void> {
  const { showPassage } = await import('../dialogs/passage.ts');
  await showPassage({ id, title: title ?? say('document'), snippet });
}

/** Makes buttons of the citations `[1]` in the text of an answer. */
export function linkCitations(item: HTMLElement, sources: readonly Source[]): void {
  const known = new Set(sources.map(({ n }) => n));
  for (const text of textsOf(item)) {
    const pieces = text.data.split(/(\[\d{1,3}\])/u);
    if (pieces.length < 2) continue;
    text.replaceWith(...pieces.map((piece) => drawPiece(item, piece, known)));
  }
}

/** The texts outside of code and links. */
function textsOf(item: HTMLElement): Text[] {
  const texts: Text[] = [];
  for (const target of item.querySelectorAll('.text')) {
    const walker = document.createTreeWalker(target, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode())
      if (node instanceof Text && !node.parentElement?.closest('code, a, button')) texts.push(node);
  }
  return texts;
}

function drawPiece(item: HTMLElement, piece: string, known: ReadonlySet<number>): Node | string {
  const number = Number(/^\[(\d+)\]$/u.exec(piece)?.[1]);
  if (!known.has(number)) return piece;
  const open = () => {
    const source = item.querySelector<HTMLDetailsElement>(`[data-source="${number}"]`);
    if (!source) return;
    source.open = true;
    source.querySelector('summary')?.focus();
    source.scrollIntoView({ block: 'nearest' });
  };
  return button(piece, open, { class: 'citation', 'aria-label': say('source', { number }) });
}
