/** The path of a router's conversations, and its name for one. */
export interface RouteBase {
  path: string;
  tags: string[];
  noun: 'Conversation' | 'Chat';
  /** The end of the names of its operations in generated clients. */
  name: string;
}
