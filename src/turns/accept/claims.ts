/** Asking the database for a turn: what is asked, and what becomes of an answer that never came. */
import { estimateMessage } from '../../core/context.ts';
import { newId } from '../../core/ids.ts';
import type { TurnHead } from '../../core/message.ts';
import { contentOf } from '../../core/parts.ts';
import type { Report } from '../../core/report.ts';
import { sleep } from '../../core/retry.ts';
import { titleFrom } from '../../core/title.ts';
import { claimTurn, type TurnClaim, type ClaimResult } from '../../store/turns/claim.ts';
import type { Database } from '../../store/database.ts';
import { interruptLost } from '../../store/turns/interrupt.ts';
import { releaseClaim } from '../../store/turns/release-claim.ts';
import type { ClaimInput } from '../../store/turns/placement.ts';
import type { TurnInput, TurnRequest } from '../turn-service.ts';

export interface ClaimSettings {
  titleWords: number;
  /** The model of a conversation that names none. */
  defaultModel: string;
  leaseMs: number;
  windowMessages: number;
  /** How long to go on trying to take back a claim whose fate is unknown, milliseconds. */
  graceMs: number;
}

/**
 * How long a refusal waits for the release of its claim, milliseconds: the client may look at once. The
 * release goes on if the database is still away.
 */
const RELEASE_WAIT_MS = 500;

export class Claims {
  readonly #db: Database;
  readonly #instanceId: string;
  readonly #settings: ClaimSettings;
  readonly #report: Report;
  /** The releases that are under way, by their turns. */
  readonly #releases = new Map<string, Promise<void>>();

  constructor({
    db,
    instanceId,
    settings,
    report,
  }: {
    db: Database;
    instanceId: string;
    settings: ClaimSettings;
    report: Report;
  }) {
    this.#db = db;
    this.#instanceId = instanceId;
    this.#settings = settings;
    this.#report = report;
  }

  /** Returns a claim with ids of its own: it can be made again and again, and is accepted once. */
  of(request: TurnRequest): TurnClaim {
    const { create, conversationId, principal, input, model, idempotency } = request;
    return {
      turnId: newId(),
      assistantMessageId: newId(),
      instanceId: this.#instanceId,
      conversationId,
      principal,
      create: create && { id: conversationId, ...create },
      input: claimInput(input),
      title: titleFrom({ text: textOfInput(input), words: this.#settings.titleWords }),
      model,
      defaultModel: this.#settings.defaultModel,
      idempotency,
    };
  }

  /**
   * Makes a claim. If the reply is lost the claim may still have succeeded: it is released, so that a client
   * that got an error does not find a turn later.
   */
  async make(claim: TurnClaim): Promise<ClaimResult> {
    try {
      return await claimTurn(this.#db, claim, this.#settings);
    } catch (error) {
      await this.release(claim);
      throw error;
    }
  }

  /**
   * Releases a claim, as if it had never been made: before its client is refused, or, where that takes too
   * long, after.
   */
  async release(claim: TurnClaim): Promise<void> {
    const released = releaseClaim(this.#db, claim, this.#settings.graceMs)
      .catch((cause: unknown) => this.#report('a claim could not be released', cause))
      .finally(() => this.#releases.delete(claim.turnId));
    this.#releases.set(claim.turnId, released);
    await Promise.race([released, sleep(RELEASE_WAIT_MS)]);
  }

  /** Waits while a claim is being released: its turn runs nowhere, and is gone afterwards or stays. */
  async released(turnId: string): Promise<void> {
    await this.#releases.get(turnId);
  }

  /** Ends a turn that stands in the way and whose owner has been silent for too long. */
  async clear(conversationId: string): Promise<void> {
    await interruptLost(this.#db, conversationId, this.#settings.leaseMs);
  }
}

/** Returns the input as the database takes it, with the id of a new message. */
function claimInput(input: TurnInput): ClaimInput {
  if (input.kind === 'regenerate') return input;
  const { parts, parentId, parentMayBeQuestion = false } = input;
  const text = contentOf(parts);
  return {
    kind: 'message',
    messageId: newId(),
    parts,
    textLength: text.length,
    tokens: estimateMessage({ role: 'user', parts }),
    parentId,
    parentMayBeQuestion,
  };
}

/** Returns the text of a new message; none where a stored one is answered again. */
export function textOfInput(input: TurnInput): string {
  return input.kind === 'message' ? contentOf(input.parts) : '';
}

/** Returns what readers are told of a turn that was accepted. @param model the one that is asked first */
export function headOf(claim: TurnClaim, accepted: Accepted, model: string): TurnHead {
  const { conversation, sequenceNumber, prompt, history } = accepted;
  const { input } = claim;
  return {
    turnId: claim.turnId,
    conversationId: claim.conversationId,
    created: claim.create !== undefined,
    title: conversation.title,
    model,
    userMessage: {
      ...prompt,
      id: input.kind === 'message' ? input.messageId : input.promptId,
      text: contentOf(input.kind === 'message' ? input.parts : (history.at(-1)?.parts ?? [])),
    },
    assistantMessage: {
      id: claim.assistantMessageId,
      sequenceNumber,
      siblings: accepted.siblings,
    },
    acceptedAt: accepted.acceptedAt,
    conversationCreatedAt: conversation.createdAt,
  };
}

type Accepted = Extract<ClaimResult, { kind: 'accepted' }>;
