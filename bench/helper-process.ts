/** Runs the benchmark's own processes (upstream, load generator, database proxy). */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/**
 * A process of ours that answers each message with one message. `Answer` is the type that its file
 * declares.
 */
export class HelperProcess<Question, Answer> {
  #child: ChildProcess;

  /** Starts `file` (a name in this folder). */
  constructor(file: string) {
    const path = fileURLToPath(new URL(file, import.meta.url));
    this.#child = fork(path, [], { execArgv: ['--no-warnings'] });
  }

  /**
   * Returns the process's next message.
   * @throws when it ends instead
   */
  async next(): Promise<Answer> {
    const ended = new AbortController();
    const exit = once(this.#child, 'exit', { signal: ended.signal }).then(([code]) => {
      throw new Error(`a process of the benchmark ended with code ${code}`);
    });
    const message = once(this.#child, 'message', { signal: ended.signal });
    try {
      const [answer] = await Promise.race([message, exit]);
      return answer as Answer; // The process is ours and its file declares this type.
    } finally {
      exit.catch(() => undefined);
      ended.abort();
    }
  }

  async ask(question: Question): Promise<Answer> {
    const answer = this.next();
    // Questions are plain objects; `send` has no type for one.
    this.#child.send(question as object);
    return answer;
  }

  stop(): void {
    this.#child.kill();
  }
}
