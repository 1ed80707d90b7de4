/** Asking the database for a turn: what is asked, and what becomes of an answer that never came. */
import { newId } from '../../core/ids.ts';
import type { TurnHead } from '../../core/message.ts';
import type { Report } from '../../core/report.ts';
import { sleep } from '../../core/retry.ts';
import { titleFrom } from '../../core/title.ts';
import { estimateTokens } from '../../core/tokens.ts';
import { claimTurn, type TurnClaim, type ClaimResult } from '../../store/turns/claim.ts';
import type { Database } from '../../store/database.ts';
import { interruptLost } from '../../store/turns/interrupt.ts';
import { releaseClaim } from '../../store/turns/release-claim.ts';
import type { TurnRequest } from '../turn-service.ts';

export interface ClaimSettings {
  titleWords: number;
  /** The model of a conversation that names none. */
  defaultModel: string;
  leaseMs: number;
  windowMessages: number;
  /** How long to go on trying to take back a claim whose fate is unknown, milliseconds. */
  graceMs: number;
}

/** Who was refused may look at once: a refusal waits so long for the withdrawal, which goes on if the database is still away. */
const WITHDRAWAL_WAIT_MS = 500;

export class Claims {
  readonly #db: Database;
  readonly #instanceId: string;
  readonly #settings: ClaimSettings;
  readonly #report: Report;
  /** The withdrawals that are under way, by their turns. */
  readonly #withdrawals = new Map<string, Promise<void>>();

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

  /** A claim with ids of its own: it can be made again and again, and is accepted once. */
  of(command: TurnRequest): TurnClaim {
    const { create, conversationId, userId, text, model, idempotency } = command;
    return {
      turnId: newId(),
      userMessageId: newId(),
      assistantMessageId: newId(),
      instanceId: this.#instanceId,
      conversationId,
      userId,
      create: create && { id: conversationId, ...create },
      text,
      textTokens: estimateTokens(text),
      title: titleFrom({ text, words: this.#settings.titleWords }),
      model,
      defaultModel: this.#settings.defaultModel,
      idempotency,
    };
  }

  /** Makes a claim. One that could not be answered may have been accepted all the same: who was refused must not find it later. */
  async make(claim: TurnClaim): Promise<ClaimResult> {
    try {
      return await claimTurn(this.#db, claim, this.#settings);
    } catch (error) {
      await this.withdraw(claim);
      throw error;
    }
  }

  /** Takes a claim back, as if it had never been made: before its client is refused, or, where that takes too long, after. */
  async withdraw(claim: TurnClaim): Promise<void> {
    const withdrawn = releaseClaim(this.#db, claim, this.#settings.graceMs)
      .catch((cause: unknown) => this.#report('a claim could not be withdrawn', cause))
      .finally(() => this.#withdrawals.delete(claim.turnId));
    this.#withdrawals.set(claim.turnId, withdrawn);
    await Promise.race([withdrawn, sleep(WITHDRAWAL_WAIT_MS)]);
  }

  /** A turn that is being taken back runs nowhere: whoever finds it waits until it is gone, or stays for good. */
  async withdrawn(turnId: string): Promise<void> {
    await this.#withdrawals.get(turnId);
  }

  /** Ends a turn that stands in the way and whose owner has been silent for too long. */
  async clear(conversationId: string): Promise<void> {
    await interruptLost(this.#db, conversationId, this.#settings.leaseMs);
  }
}

/** What readers are told of a turn that was accepted. @param model the one that is asked first */
export function headOf(
  claim: TurnClaim,
  verdict: Extract<ClaimResult, { kind: 'accepted' }>,
  model: string,
): TurnHead {
  const { conversation, sequenceNumber } = verdict;
  return {
    turnId: claim.turnId,
    conversationId: claim.conversationId,
    created: claim.create !== undefined,
    title: conversation.title,
    model,
    userMessage: { id: claim.userMessageId, sequenceNumber: sequenceNumber - 1, text: claim.text },
    assistantMessage: { id: claim.assistantMessageId, sequenceNumber },
    acceptedAt: verdict.acceptedAt,
    conversationCreatedAt: conversation.createdAt,
  };
}
