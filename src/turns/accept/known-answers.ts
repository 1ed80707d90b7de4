/**
 * Remembers what this process has answered to clients that send their whole history, so that their
 * next message needs no look-up. It is a hint: the claim that uses it checks what is stored.
 */
import { answerHash, type HistoryEnd } from '../../core/exchange.ts';
import { LatestMap } from '../../core/latest-map.ts';
import type { Outcome } from '../../core/message.ts';
import { contentOf, type Part } from '../../core/parts.ts';
import type { TurnClaim } from '../../store/turns/claim.ts';
import type { Coalesce, RunningTurn } from '../run/running-turn.ts';

/**
 * The most answers that a process remembers, for all databases and conversations. Each takes about
 * half a kilobyte, and no text.
 */
const MOST_ANSWERS = 10_000;

/** An answer, and what a claim checks of it. */
export interface KnownAnswer {
  id: string;
  conversationId: string;
  /** UTF-16 units. */
  textLength: number;
  /** Returns what {@link answerHash} does. */
  hash: () => Promise<string>;
}

/** The answers that clients were told whole: of others they may have less than is stored. */
const TOLD: ReadonlySet<string> = new Set(['complete', 'truncated', 'filtered']);

/** The newest answers to questions, by the instance that answered and the hash of the history. */
const answers = new LatestMap<KnownAnswer>(MOST_ANSWERS);

export class KnownAnswers {
  readonly #instanceId: string;
  readonly #later: Coalesce;

  /**
   * @param instanceId of the service, whose answers are in one database
   * @param later runs what nobody waits for, once an answer is on its way
   */
  constructor(instanceId: string, later: Coalesce) {
    this.#instanceId = instanceId;
    this.#later = later;
  }

  /** Remembers the answer of a turn, once that is stored, where its client sends histories. */
  noteEnd({ input, create }: TurnClaim, { head, ended }: RunningTurn): void {
    const { historyHash } = input;
    if (!historyHash || create?.isTemporary) return;
    const { conversationId, assistantMessage } = head;
    const note = ({ message: { status, parts }, error }: Outcome) => {
      if (!TOLD.has(status) || error?.code === 'not_stored') return;
      const { id } = assistantMessage;
      const textLength = contentOf(parts).length;
      const hash = hashing(parts);
      answers.set(this.#nameOf(historyHash), { id, conversationId, textLength, hash });
      this.#later(() => void hash());
    };
    void ended.then(note);
  }

  /** Returns the answer that a history ends with; undefined where it is not known here. */
  async find({ question, answer }: HistoryEnd): Promise<KnownAnswer | undefined> {
    const known = answers.get(this.#nameOf(question));
    return known && (await known.hash()) === answer ? known : undefined;
  }

  /** Tells whether the question of a history was answered here. */
  has(question: string): boolean {
    return answers.get(this.#nameOf(question)) !== undefined;
  }

  /** @param question the hash of the history up to it */
  #nameOf(question: string): string {
    return `${this.#instanceId}/${question}`;
  }
}

/** Returns a function that hashes an answer when it is first called, and keeps the hash alone. */
function hashing(answer: readonly Part[]): () => Promise<string> {
  let parts = answer;
  let hash: Promise<string> | undefined;
  return () => {
    hash ??= answerHash(parts);
    parts = [];
    return hash;
  };
}
