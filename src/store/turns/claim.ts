/** A claim: what a turn that is to be accepted writes, and what the batch that accepts it tells. */
import type { ContextMessage } from '../../core/context.ts';
import type { Conversation, NewConversation } from '../../core/conversation.ts';
import type { Siblings } from '../../core/message.ts';
import type { TurnParameters } from '../../core/parameters.ts';
import { proofOf, type CredentialProof, type Principal } from '../../core/principal.ts';
import type { Steering } from '../../core/steering.ts';
import type { LearnedRatio } from '../../core/token-correction.ts';
import type { ReserveAsk } from '../limits/wanted.ts';
import type { Reserved } from '../limits/reserved.ts';
import type { Key } from '../idempotency-keys.ts';
import type { ClaimInput } from './placement.ts';

export interface TurnClaim {
  turnId: string;
  assistantMessageId: string;
  /** The name that the client gives the answer. */
  answerClientId: string | null;
  /** The instance that will run it. */
  instanceId: string;
  conversationId: string;
  principal: Principal;
  /** True where the claim was made before, and the turn had to wait. */
  isRepeat?: boolean;
  /** Set when the turn begins a conversation. */
  create?: NewConversation;
  input: ClaimInput;
  /** The title the conversation gets if it has none yet. */
  title: string | null;
  /** The model to record; null: the conversation's, else `defaultModel`. */
  model: string | null;
  defaultModel: string;
  parameters?: TurnParameters;
  idempotency?: Key;
  /** The reservation for the turn; undefined where nobody has limits. */
  reservation?: ReserveAsk;
  /** Set when the message is to steer the turn that is in the way of this one. */
  steering?: {
    message: Steering;
    /** The answer that the message follows, which must be the running one; null: whichever runs. */
    after: string | null;
    /** Stores nothing where the running turn answers the same text, or is steered by it. */
    joinsSameText: boolean;
  };
}

export interface ClaimLimits {
  leaseMs: number;
  /** The number of messages of the history to read, the prompt included. */
  windowMessages: number;
}

export type ClaimResult =
  | {
      kind: 'accepted';
      conversation: Conversation;
      sequenceNumber: number;
      acceptedAt: number;
      model: string;
      parameters: TurnParameters | undefined;
      prompt: AcceptedPrompt;
      /** The place of the answer among those to the same message. */
      siblings: Siblings;
      history: ContextMessage[];
      /** The accuracy of our estimates, as the answer before the prompt showed it. */
      learned: LearnedRatio | undefined;
      /** True when the user has documents or other conversations that a tool could search. */
      hasSearchableContent: boolean;
      /** The reservation, where the user may have limits. */
      reserved: Reserved | undefined;
    }
  /** The turn does not fit what the user's limits have left. */
  | { kind: 'limited'; reserved: Reserved }
  | { kind: 'busy'; turnId: string; answerId: string; text: string; leaseLeftMs: number }
  /** The message is stored with the running turn, which it steers. */
  | { kind: 'steers'; turnId: string; messageId: string }
  | { kind: 'repeated'; turnId: string; conversationId: string }
  | { kind: 'key_reused' }
  /** The caller's credential does not hold, or its ticket may not open this turn. */
  | { kind: 'unauthenticated' }
  /** The message that the input names is not there, or is of the wrong role. */
  | { kind: 'message_not_found' }
  | { kind: 'not_an_answer' }
  /** The calls that the input answers do not wait for a result, or not there. */
  | { kind: 'calls_not_waiting' }
  | { kind: 'not_found' };

/** The message that is answered, as it is stored. */
export interface AcceptedPrompt {
  sequenceNumber: number;
  parentId: string | null;
  siblings: Siblings;
}

/**
 * Returns the proof of a caller whom the insertions of the turn and of its conversation confirm:
 * where nothing else is stored unless the turn is, no statement of its own has to. Undefined for
 * others.
 */
export function confirmedByInsertion(claim: TurnClaim): CredentialProof | undefined {
  const proof = proofOf(claim.principal);
  return proof?.kind === 'ticket' || claim.steering ? undefined : proof;
}

/** Returns the arguments of a statement that looks for the claim's key. */
export function keyArgs({ idempotency }: TurnClaim): string[] {
  return [idempotency?.scope ?? '', idempotency?.key ?? ''];
}
