/**
 * An ingest as server-sent events: any number of `document.progress`, one of `document.completed`
 * and `document.failed`, then `done`.
 */
import type { Document } from '../core/document.ts';
import { failureOf, isForOperator } from '../core/errors.ts';
import { documentView } from './document-view.ts';
import { problemOf } from './problem.ts';

export type Work = (
  onProgress: (progress: { done: number; total: number }) => void,
) => Promise<Document>;

/** Runs `work` and streams its progress. The work continues when the reader leaves. */
export function ingestEvents(
  work: Work,
  {
    document,
    instance,
    keepAliveMs,
    report,
  }: {
    document: Pick<Document, 'id' | 'progress'>;
    /** The id of the request, which is the instance of a problem. */
    instance: string;
    keepAliveMs: number;
    /** Receives errors whose cause no client sees. */
    report: (error: unknown) => void;
  },
): ReadableStream<Uint8Array> {
  const utf8 = new TextEncoder();
  let keepAlive: ReturnType<typeof setInterval> | undefined;
  let isOpen = true;
  return new ReadableStream({
    start(controller) {
      const send = (text: string) => {
        if (isOpen) controller.enqueue(utf8.encode(text));
      };
      const progress = ({ done, total }: { done: number; total: number }) =>
        send(event('document.progress', { document_id: document.id, done, total }));
      if (document.progress) progress(document.progress);
      keepAlive = setInterval(() => send(': keep-alive\n\n'), keepAliveMs);
      void work(progress)
        .then(
          (finished) => send(event('document.completed', documentView(finished))),
          (error: unknown) => {
            const failed = problemOf(failureOf(error), instance);
            if (isForOperator(error)) report(error);
            send(event('document.failed', { document_id: document.id, error: failed }));
          },
        )
        .finally(() => {
          send('event: done\ndata: [DONE]\n\n');
          clearInterval(keepAlive);
          if (isOpen) controller.close();
          isOpen = false;
        });
    },
    cancel() {
      isOpen = false;
      clearInterval(keepAlive);
    },
  });
}

function event(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
