/** The rooms as Workers has them: each conversation's is a Durable Object, asked over HTTP; the stream it answers with passes through untouched. */
import { ParleyError, type Failure } from '../../core/errors.ts';
import type {
  Asker,
  TurnStream,
  TurnService,
  TurnRequest,
  TurnAddress,
  StreamOptions,
} from '../../turns/turn-service.ts';

/** What a room can be asked. */
export type RoomCall =
  | { call: 'start'; command: TurnRequest; view: StreamOptions }
  | { call: 'follow'; turn: TurnAddress; view: StreamOptions; cursor?: string }
  | { call: 'cancel'; turn: TurnAddress }
  | { call: 'close'; conversationId: string };

/** Says that a room's answer is a failure, as JSON. */
export const FAILED_STATUS = 418;

export class RemoteTurnService implements TurnService {
  readonly #rooms: DurableObjectNamespace;

  constructor(rooms: DurableObjectNamespace) {
    this.#rooms = rooms;
  }

  async start(command: TurnRequest, view: StreamOptions, asker?: Asker): Promise<TurnStream> {
    const response = await this.#ask(
      command.conversationId,
      { call: 'start', command, view },
      asker?.signal,
    );
    return deliveryOf(response);
  }

  async follow(
    turn: TurnAddress,
    view: StreamOptions,
    cursor?: string,
  ): Promise<TurnStream | undefined> {
    const { turnId, conversationId } = turn;
    const call = { call: 'follow' as const, turn: { turnId, conversationId }, view, cursor };
    const response = await this.#ask(conversationId, call);
    return response.status === 204 ? undefined : deliveryOf(response);
  }

  async cancel({ turnId, conversationId }: TurnAddress): Promise<void> {
    await this.#ask(conversationId, { call: 'cancel', turn: { turnId, conversationId } });
  }

  async close(conversationId: string): Promise<void> {
    await this.#ask(conversationId, { call: 'close', conversationId });
  }

  async #ask(conversationId: string, call: RoomCall, signal?: AbortSignal): Promise<Response> {
    const room = this.#rooms.get(this.#rooms.idFromName(conversationId));
    const request = { method: 'POST', body: JSON.stringify(call), signal };
    const response = await room.fetch('https://room.invalid/', request).catch((cause: unknown) => {
      const detail = 'The conversation is being moved, try again';
      throw new ParleyError({ code: 'shutting_down', detail, retryAfter: 1 }, { cause });
    });
    // Written by `DurableRoom` alone.
    if (response.status === FAILED_STATUS) throw new ParleyError(await response.json<Failure>());
    return response;
  }
}

function deliveryOf(response: Response): TurnStream {
  const { headers, body } = response;
  if (!body) throw new Error('a room answered without a stream');
  return {
    turnId: headers.get('x-turn-id') ?? '',
    conversationId: headers.get('x-conversation-id') ?? '',
    body,
  };
}
