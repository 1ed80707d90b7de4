/** What a door is: a way by which the clients of an API say something to the assistant. */
import type { Hearing, WireEvent } from './hearing.ts';
import { listen, listenOnSocket, type Listening } from './listening.ts';

/** A conversation as a client has it. */
export interface Chat {
  user: string;
  model: string;
  /** The client's own name of it. */
  name: string;
  /** What is known of it once it has begun, or was read elsewhere. */
  conversationId?: string;
  turnId?: string;
  /** What was said so far. */
  said: { id: string; role: 'user' | 'assistant'; content: string }[];
}

/** A request, or a frame over a socket. */
export interface Call {
  path: string;
  body: Record<string, unknown>;
  headers?: Record<string, string>;
  socket?: { protocol?: string };
}

export interface Door {
  name: string;
  hear: Hearing;
  /** True where its clients can begin a conversation. */
  begins: boolean;
  /** True where the history that a client sends tells where its message belongs. */
  keepsHistories?: true;
  call(chat: Chat, message: string): Call;
  /** The further headers of a call that a client repeats by itself; undefined where none does. */
  again?: Record<string, string>;
  /**
   * Returns where a client goes on that was cut off and does not ask again: after the events that
   * it has, or from the start where it has none to name.
   */
  back?(turnId: string, events: readonly WireEvent[]): { path: string; hear: Hearing };
  /** Returns the body by which the message joins the turn that runs; undefined where none can. */
  steering?(body: Call['body']): Call['body'];
}

/** Says something; what comes is in `chat.model`'s words. */
export function say(
  url: string,
  { hear }: Pick<Door, 'hear'>,
  { path, body, headers, socket }: Call,
  more: Record<string, string> = {},
): Promise<Listening> {
  return socket
    ? listenOnSocket(url + path, { message: body, hear, ...socket })
    : listen(url + path, { json: body, headers: { ...headers, ...more } }, hear);
}
