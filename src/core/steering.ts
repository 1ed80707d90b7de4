/**
 * Steering: a message that comes while a turn runs joins that turn at its next step, or is answered
 * by a turn right after it.
 */
import type { TurnParameters } from './parameters.ts';
import { contentOf, decodeParts, type Part, type SteeredMessage } from './parts.ts';

/** A message that is to steer a turn, with all that it needs to become a turn of its own. */
export interface Steering {
  /** Of the message. */
  id: string;
  /** The parts of the message, as `encodeParts` writes them. */
  parts: string;
  /** UTF-16 units of its text, and about how many tokens it is. */
  textLength: number;
  tokens: number;
  clientId: string | null;
  /** The turn and the answer that it gets when no step is left. */
  turnId: string;
  answerId: string;
  answerClientId: string | null;
  /** The parameters for that turn; they say nothing about the turn that it joins. */
  model: string | null;
  parameters: TurnParameters | null;
  /** The scope and the name of the request's idempotency key. */
  scope: string | null;
  key: string | null;
  /** The public id of the key by which it was asked for. */
  keyId: string | null;
  /** The time when it was stored, as RFC 3339, which the database fills in by its clock. */
  createdAt: string;
  /** Set for one that was taken back, since its client was told that it could not be stored. */
  isReleased?: true;
}

type SteeredPart = Extract<Part, { type: 'steered' }>;

/** Encodes messages for the database, as one JSON object a line. */
export function encodeSteering(messages: readonly Steering[]): string {
  return messages.map((message) => JSON.stringify(message)).join('\n');
}

/** Decodes what {@link encodeSteering} encoded. */
export function decodeSteering(stored: string): Steering[] {
  // Only `encodeSteering` writes this column, so no client's data is trusted here.
  return stored.split('\n').map((line) => JSON.parse(line) as Steering);
}

/** Returns the part of an answer that a message becomes when it joins. */
export function steeredPart({ id, parts: stored, clientId, createdAt }: Steering): SteeredPart {
  const parts = decodeParts(stored);
  const isPlain = parts.every(({ type }) => type === 'text');
  return {
    type: 'steered',
    message: {
      id,
      role: 'user',
      content: contentOf(parts),
      ...(isPlain ? {} : { parts }),
      ...(clientId === null ? {} : { client_id: clientId }),
      created_at: createdAt,
    },
  };
}

/** Returns true when a message has joined the turn whose answer has these parts. */
export function hasJoined(parts: readonly Part[], id: string): boolean {
  return parts.some((part) => part.type === 'steered' && part.message.id === id);
}

/** Returns the messages of a turn that have not joined the answer with these parts. */
export function waitingIn(steering: readonly Steering[], parts: readonly Part[]): SteeredMessage[] {
  return steering
    .filter(({ id, isReleased }) => !isReleased && !hasJoined(parts, id))
    .map((line) => steeredPart(line).message);
}
