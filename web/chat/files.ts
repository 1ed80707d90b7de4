/** The files of a message: pictures are seen, others can be downloaded. */
import { addressOf } from '../api/client.ts';
import type { Attachment } from '../api/types.ts';
import { make } from '../shared/elements.ts';
import { formatBytes } from '../shared/format.ts';
import { say } from '../shared/words.ts';

/** Types that a browser shows as a picture, and that hold nothing else. */
const PICTURES: ReadonlySet<string> = new Set([
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/webp',
]);

/** Draws the files of a message. */
export function drawFiles(files: readonly Attachment[]): HTMLElement {
  return make(
    'ul',
    { class: 'files', 'aria-label': say('files') },
    ...files.map((file) => make('li', {}, drawFile(file))),
  );
}

function drawFile({ file_id: id, name, size, mime_type: type }: Attachment): HTMLElement {
  const { href } = addressOf(`/files/${id}`);
  const link = make('a', { href, target: '_blank', rel: 'noopener' });
  if (PICTURES.has(type)) link.append(make('img', { src: href, alt: name, loading: 'lazy' }));
  else link.append(name, make('span', { class: 'hint' }, formatBytes(size)));
  return link;
}
