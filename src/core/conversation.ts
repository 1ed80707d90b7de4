import type { Json } from './parts.ts';

/** The modes of a conversation. In `rag` mode answers are grounded in the user's documents. */
export const MODES = ['open', 'rag'] as const;
export type Mode = (typeof MODES)[number];

export type Metadata = Record<string, Json>;

export interface Conversation {
  id: string;
  userId: string;
  title: string | null;
  mode: Mode;
  model: string | null;
  instructions: string | null;
  /** The number of messages on the active path. */
  messageCount: number;
  /** The last message of the active path; null while there is none. */
  headMessageId: string | null;
  /** The name that a client gave the conversation, unique among its owner's. */
  clientId: string | null;
  /** A client's metadata; not read where a turn begins. */
  metadata?: Metadata | null;
  /** Milliseconds since the epoch, by the database's clock. */
  createdAt: number;
  updatedAt: number;
}

/** The fields of a conversation that is about to be made. */
export interface NewConversation {
  id: string;
  userId: string;
  title: string | null;
  mode: Mode;
  model: string | null;
  instructions: string | null;
  /** The name that a client gives it; null without one. */
  clientId: string | null;
  metadata?: Metadata | null;
  /** True for one that is made for one answer, and deleted after it. */
  isTemporary?: boolean;
  /** The hash of its question: it is only made while its owner has asked nothing of this hash. */
  unlessAsked?: string;
}
