/** Files that go with the next message: chosen, pasted or dropped, and sent up at once. */
import { call, send } from '../api/client.ts';
import type { Attachment } from '../api/types.ts';
import { attempt } from '../shared/attempt.ts';
import { element, iconButton, make } from '../shared/elements.ts';
import { formatBytes } from '../shared/format.ts';
import { say } from '../shared/words.ts';

const list = element('attachments');
let attached: readonly Attachment[] = [];
/** Files that are on their way: the message waits for them. */
let uploads: Promise<unknown> = Promise.resolve();

/** Lets files be chosen, taken by the camera, and pasted. */
export function startAttachments(): void {
  for (const way of ['attach', 'camera']) letChoose(way);
  element('composer-text').addEventListener('paste', (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    attachFiles(files);
  });
}

function letChoose(way: string): void {
  const input = element<HTMLInputElement>(`${way}-file`);
  element(way).addEventListener('click', () => input.click());
  input.addEventListener('change', () => {
    const files = [...(input.files ?? [])];
    input.value = '';
    attachFiles(files);
  });
}

/** Sends files up, and puts them beside the message. */
export function attachFiles(files: File[]): void {
  for (const file of files) {
    const waiting = make('li', { class: 'uploading' }, make('span', {}, file.name));
    list.append(waiting);
    list.hidden = false;
    const upload = attempt(() => sendFile(file)).then((made) => {
      waiting.remove();
      if (made) setAttached([...attached, made]);
      else show();
    });
    uploads = Promise.all([uploads, upload]);
  }
  element('composer-text').focus();
}

function sendFile(file: File): Promise<Attachment> {
  const form = new FormData();
  form.set('file', file);
  return call<Attachment>('/files', { form });
}

/** Returns the files of the next message, and takes them from the composer. */
export async function takeAttached(): Promise<readonly Attachment[]> {
  await uploads;
  const taken = attached;
  setAttached([]);
  return taken;
}

/** Returns true where the next message has files, or will have them. */
export function hasAttached(): boolean {
  return list.childElementCount > 0;
}

/** Puts files beside the next message. */
export function setAttached(files: readonly Attachment[]): void {
  attached = files;
  show();
}

function show(): void {
  const uploading = list.querySelectorAll('.uploading');
  list.replaceChildren(...attached.map(drawAttached), ...uploading);
  list.hidden = list.childElementCount === 0;
}

function drawAttached(file: Attachment): HTMLElement {
  const remove = () => {
    setAttached(attached.filter((one) => one !== file));
    element('composer-text').focus();
    // Nobody waits for it: a file that no message names is the server's to forget.
    void send(`/files/${file.file_id}`, { method: 'DELETE' }).catch(() => {});
  };
  return make(
    'li',
    {},
    make('span', { title: file.name }, file.name),
    make('span', { class: 'hint' }, formatBytes(file.size)),
    iconButton('close', say('removeFile', { name: file.name }), remove),
  );
}
