/** Whether answers are grounded in the user's documents. */
export const MODES = ['open', 'rag'] as const;
export type Mode = (typeof MODES)[number];

export interface Conversation {
  id: string;
  userId: string;
  title: string | null;
  mode: Mode;
  model: string | null;
  instructions: string | null;
  /** Messages on the active path. */
  messageCount: number;
  /** The last message of the active path; null while there is none. */
  headMessageId: string | null;
  /** Milliseconds since the epoch, by the database's clock. */
  createdAt: number;
  updatedAt: number;
}

/** What a client may say of a conversation when it makes one. */
export interface NewConversation {
  id: string;
  userId: string;
  title: string | null;
  mode: Mode;
  model: string | null;
  instructions: string | null;
}
