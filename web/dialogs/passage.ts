/** Shows a passage where it stands in its document. */
import { send } from '../api/client.ts';
import { attempt } from '../shared/attempt.ts';
import { make } from '../shared/elements.ts';
import { openDialog } from './dialog.ts';

/** UTF-16 units that are shown on either side of the passage. */
const AROUND = 20_000;

interface Passage {
  id: string;
  title: string;
  snippet: string;
}

/** Opens the document at the passage; where the document is gone, the passage alone. */
export async function showPassage({ id, title, snippet }: Passage): Promise<void> {
  const text = await attempt(async () => (await send(`/documents/${id}/text`)).text());
  const at = text?.indexOf(snippet.replace(/…$/u, '').trim()) ?? -1;
  const mark = make('mark', { tabIndex: -1 }, snippet);
  const content = make('div', { class: 'document', tabIndex: 0, dir: 'auto' });
  if (text === undefined || at < 0) content.append(mark);
  else {
    const end = at + snippet.length;
    content.append(text.slice(Math.max(0, at - AROUND), at), mark, text.slice(end, end + AROUND));
  }
  openDialog(title, [content], 'wide');
  mark.scrollIntoView({ block: 'center' });
}
