/** The answers of the API, as far as the page reads them. */

export type Part =
  | { type: 'text' | 'reasoning'; text: string }
  | { type: 'sources'; sources: Source[] }
  | { type: 'tool_call'; tool_call_id: string; name: string; input: unknown }
  | { type: 'tool_result'; tool_call_id: string; output: unknown; is_error?: boolean }
  | {
      type: 'tool_approval';
      approval_id: string;
      tool_call_id: string;
      name: string;
      input: unknown;
    }
  | ({ type: 'file' } & Attachment)
  | { type: 'steered'; message: Steering }
  | { type: 'approval'; approval_id: string; approved: boolean; reason?: string; always?: true };

/** A message that came while the answer was made, and joined it. */
export interface Steering {
  id: string;
  content: string;
  /** Set where it has files. */
  parts?: Part[];
}

export interface Source {
  n: number;
  document_id: string;
  title: string | null;
  url?: string;
  snippet: string;
}

export interface Attachment {
  file_id: string;
  name: string;
  mime_type: string;
  size: number;
}

export interface Message {
  id: string;
  turn_id?: string;
  role: 'user' | 'assistant';
  content: string;
  parts?: Part[];
  attachments?: Attachment[];
  status: string;
  refused?: true;
  sequence_number: number;
  parent_id: string | null;
  siblings: { index: number; count: number };
  model: string | null;
  finish_reason?: string;
  sources?: Source[];
  created_at: string;
}

export interface Conversation {
  conversation_id: string;
  title: string | null;
  mode: 'open' | 'rag';
  model: string | null;
  message_count: number;
  created_at: string;
  /** The time of its last change. */
  updated_at: string;
}

export type Transcript = Conversation & { messages: Message[] };

export interface Problem {
  status: number;
  code?: string;
  detail?: string;
  retry_after?: number;
}

/** The data of the events of a turn. */
export interface TurnEvents {
  'turn.started': {
    turn_id: string;
    conversation_id: string;
    title: string | null;
    user_message: { id: string; sequence_number: number };
    assistant_message: { id: string; sequence_number: number };
  };
  sources: { sources: Source[] };
  'reasoning.delta': { text: string };
  'message.delta': { text: string };
  'tool.call': { tool_call_id: string; name: string; input: unknown };
  'tool.result': { tool_call_id: string; output: unknown; is_error?: boolean };
  'tool.approval': { approval_id: string; tool_call_id: string; name: string; input: unknown };
  steered: { message: Steering };
  'turn.completed': TurnEnd;
  'turn.cancelled': TurnEnd;
  'turn.failed': TurnEnd;
}

export interface TurnEnd {
  turn_id: string;
  message?: Message;
  error?: Problem;
}

export type TurnEvent = {
  [Type in keyof TurnEvents]: { type: Type; data: TurnEvents[Type] };
}[keyof TurnEvents];
