/** Claims turns in the database, and releases claims whose reply was lost. */
import { unauthenticated } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import type { TurnHead } from '../../core/message.ts';
import { contentOf, decodeParts } from '../../core/parts.ts';
import type { Steering } from '../../core/steering.ts';
import type { Logger } from '../../core/logger.ts';
import { ANYONE, keyIdOf, type Principal } from '../../core/principal.ts';
import { sleep } from '../../core/retry.ts';
import { titleFrom } from '../../core/title.ts';
import { claimTurn } from '../../store/turns/claim-turn.ts';
import type { TurnClaim, ClaimResult } from '../../store/turns/claim.ts';
import { bindTicket } from '../../store/credentials/tickets.ts';
import type { Database } from '../../store/database.ts';
import { interruptLost } from '../../store/turns/interrupt.ts';
import type { ReserveAsk } from '../../store/limits/wanted.ts';
import { takeUnread } from '../../store/unread-turns.ts';
import { releaseClaim } from '../../store/turns/release-claim.ts';
import type { Allowances } from './allowances.ts';
import type { TurnRequest } from '../turn-service.ts';
import { askedAgain, type AskedAgain } from './asked-again.ts';
import { claimInput, textOfInput, withSteering } from './claim-input.ts';

export interface ClaimSettings {
  titleWords: number;
  /** The model for conversations that name none. */
  defaultModel: string;
  leaseMs: number;
  windowMessages: number;
  /** The time for which the release of a claim whose fate is unknown is tried, in milliseconds. */
  graceMs: number;
  /** The amounts that are reserved for turns; undefined where nobody has limits. */
  allowances: Allowances | undefined;
}

/**
 * The time that a refusal waits for the release of its claim, in milliseconds, since the client may
 * look for the turn at once. The release continues while the database is unreachable.
 */
const RELEASE_WAIT_MS = 500;

export class Claims {
  readonly #db: Database;
  readonly #instanceId: string;
  readonly #settings: ClaimSettings;
  readonly #log: Logger;
  /** The releases under way, by turn id. */
  readonly #releases = new Map<string, Promise<void>>();

  constructor({
    db,
    instanceId,
    settings,
    log,
  }: {
    db: Database;
    instanceId: string;
    settings: ClaimSettings;
    log: Logger;
  }) {
    this.#db = db;
    this.#instanceId = instanceId;
    this.#settings = settings;
    this.#log = log;
  }

  /** Returns a claim with new ids. It can be made repeatedly and is accepted once. */
  of(request: TurnRequest): TurnClaim {
    const { create, conversationId, principal, input, model, parameters, idempotency } = request;
    const asked = { keyId: keyIdOf(principal) ?? null, streams: request.openStreams };
    const claim = {
      turnId: newId(),
      assistantMessageId: newId(),
      answerClientId: request.answerClientId ?? null,
      instanceId: this.#instanceId,
      conversationId,
      principal,
      create: create && { id: conversationId, ...create },
      input: claimInput(input),
      title: titleFrom({ text: textOfInput(input), words: this.#settings.titleWords }),
      model,
      parameters,
      defaultModel: this.#settings.defaultModel,
      idempotency,
    };
    const steers = request.onBusy === 'steer';
    return this.#reserving(steers ? withSteering(claim, request) : claim, asked);
  }

  /** Returns the claim of the turn that answers a message which came while another turn ran. */
  following(steering: Steering, { conversationId }: TurnHead): TurnClaim {
    const claim = {
      turnId: steering.turnId,
      assistantMessageId: steering.answerId,
      answerClientId: steering.answerClientId,
      instanceId: this.#instanceId,
      conversationId,
      // Who may speak here was checked when the message came.
      principal: ANYONE,
      input: {
        ...claimInput({ kind: 'message', parts: decodeParts(steering.parts) }),
        ...{ messageId: steering.id, clientId: steering.clientId },
      },
      title: null,
      model: steering.model,
      parameters: steering.parameters ?? undefined,
      defaultModel: this.#settings.defaultModel,
    };
    return this.#reserving(claim, { keyId: steering.keyId });
  }

  /** Adds what is to be reserved for the turn, where users have limits. */
  #reserving(
    claim: Omit<TurnClaim, 'reservation'>,
    asked: Pick<ReserveAsk, 'keyId' | 'streams'>,
  ): TurnClaim {
    const { allowances } = this.#settings;
    return allowances ? { ...claim, reservation: allowances.of(claim, asked) } : claim;
  }

  /**
   * Makes a claim. If the reply is lost the claim may still have succeeded. It is then released, so
   * that a client that got an error does not find a turn later.
   */
  async make(claim: TurnClaim): Promise<ClaimResult> {
    try {
      const result = await claimTurn(this.#db, claim, this.#settings);
      this.#settings.allowances?.ways.remember(claim, result);
      return result;
    } catch (error) {
      await this.release(claim);
      throw error;
    }
  }

  /**
   * Releases a claim, as if it had never been made. Its client is refused after the release, or
   * before it when the release takes too long.
   */
  async release(claim: TurnClaim): Promise<void> {
    const released = releaseClaim(this.#db, claim, this.#settings.graceMs)
      .catch((cause: unknown) => this.#log.error('a claim could not be released', { error: cause }))
      .finally(() => this.#releases.delete(claim.turnId));
    this.#releases.set(claim.turnId, released);
    await Promise.race([released, sleep(RELEASE_WAIT_MS)]);
  }

  /**
   * Waits for the release of a claim, if there is one. Until it is over, the turn may be removed or
   * may stay.
   */
  async released(turnId: string): Promise<void> {
    await this.#releases.get(turnId);
  }

  /** Tells whether a repeated claim may join the first one's turn: an unread one is taken once. */
  async mayJoin({ idempotency }: TurnClaim): Promise<boolean> {
    return !idempotency?.isForUnread || takeUnread(this.#db, idempotency);
  }

  /**
   * Binds a caller's ticket to the turn that its request has joined.
   * @param from the turn that its message has steered
   * @throws ParleyError `unauthenticated` when it has been used for another turn meanwhile
   */
  async bindTicket(principal: Principal, turnId: string, from?: string): Promise<void> {
    if (!(await bindTicket(this.#db, principal, { turnId, from }))) throw unauthenticated();
  }

  /** Finds what a request asks for again, whose ticket has been spent on it. */
  askedAgain(request: TurnRequest): Promise<AskedAgain | undefined> {
    return askedAgain(this.#db, request, this.#settings.leaseMs);
  }

  /** Ends the turn that blocks a conversation when its owner has been silent for too long. */
  async clear(conversationId: string): Promise<void> {
    await interruptLost(this.#db, conversationId, this.#settings.leaseMs);
  }
}

/**
 * Returns the head of an accepted turn, as readers see it.
 * @param model the model that is called first
 */
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
      clientId: claim.answerClientId,
    },
    acceptedAt: accepted.acceptedAt,
    conversationCreatedAt: conversation.createdAt,
    parameters: accepted.parameters,
  };
}

type Accepted = Extract<ClaimResult, { kind: 'accepted' }>;
