/** Sends documents in, and hears how far they are. */
import { ApiError, send } from './client.ts';
import type { Problem } from './types.ts';

/** Chunks that are done, of all. */
export interface Progress {
  done: number;
  total: number;
}

/** Sends a file in as a document. @throws ApiError where it cannot be read */
export async function addDocument(
  file: File,
  progress: (progress: Progress) => void,
): Promise<void> {
  const form = new FormData();
  form.set('file', file);
  const headers = { accept: 'text/event-stream' };
  const response = await send('/documents', { form, headers });
  for await (const { type, data } of eventsOf(response)) {
    if (type === 'document.progress') progress(JSON.parse(data) as Progress);
    if (type !== 'document.failed') continue;
    const { error } = JSON.parse(data) as { error: Problem };
    throw new ApiError(error);
  }
}

/** Reads the events of a response: each is a name and a line of data. */
async function* eventsOf(response: Response): AsyncGenerator<{ type: string; data: string }> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
    text += read.value;
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      const [, type = 'message'] = /^event: ?(.*)$/mu.exec(event) ?? [];
      const [, data = ''] = /^data: ?(.*)$/mu.exec(event) ?? [];
      yield { type, data };
    }
  }
}
