/**
 * Warm-ups over a socket: `generate: false` brings input ahead of the response that it is for.
 * Nothing is answered or stored; what goes on from its id on the same socket has that input first.
 */
import { newId } from '../../core/ids.ts';
import type { Message, TurnHead } from '../../core/message.ts';
import type { TurnParameters } from '../../core/parameters.ts';
import { responseEvents } from '../../wire/responses/events.ts';
import { turnIdIn } from '../../wire/responses/ids.ts';
import type { Socket } from '../websocket/frame-sink.ts';
import { parametersIn, type ResponseBody } from './body.ts';
import type { ResponseAsker } from './asker.ts';
import { itemsIn } from './input.ts';
import { sendLinesOf } from './socket-events.ts';

/** The most characters of the frames that are kept for a socket: the oldest go. */
const MOST_KEPT = 16_000_000;

interface WarmUp {
  input: Exclude<ResponseBody['input'], string | null | undefined>;
  /** The place that it goes on from itself. */
  place: Pick<ResponseBody, 'previous_response_id' | 'conversation'>;
  length: number;
}

const kept = new WeakMap<AbortSignal, Map<string, WarmUp>>();

/**
 * Keeps the input of a request and tells of a response without output.
 * @throws ParleyError as the request would that it is for
 */
export async function warmUp(
  socket: Socket,
  { context, said }: ResponseAsker,
  given: ResponseBody,
  lane: string | undefined,
): Promise<void> {
  const { registry } = context.dependencies;
  const parameters = parametersIn(given);
  const model = given.model ?? registry.defaultName;
  await registry.find(model, parameters);
  const input = listOf(given.input);
  itemsIn(input);
  const id = newId();
  const { previous_response_id, conversation } = given;
  keep(socket, id, { input, place: { previous_response_id, conversation }, length: said.length });
  sendLinesOf(socket, eventsOf({ id, model, parameters }), lane);
}

/** Returns a request with the input of the warm-up that it names, if it names one. */
export function afterWarmUp<Body extends ResponseBody>(socket: Socket, given: Body): Body {
  const name = given.previous_response_id;
  const warm = name ? kept.get(socket.gone)?.get(turnIdIn(name)) : undefined;
  if (!warm) return given;
  return { ...given, ...warm.place, input: [...warm.input, ...listOf(given.input)] };
}

function listOf(input: ResponseBody['input']): WarmUp['input'] {
  return typeof input === 'string' ? [{ role: 'user', content: input }] : (input ?? []);
}

function keep({ gone }: Socket, id: string, warm: WarmUp): void {
  const all = kept.get(gone) ?? new Map<string, WarmUp>();
  kept.set(gone, all.set(id, warm));
  let length = [...all.values()].reduce((sum, each) => sum + each.length, 0);
  for (const [oldest, each] of all) {
    if (length <= MOST_KEPT || oldest === id) return;
    length -= each.length;
    all.delete(oldest);
  }
}

interface Named {
  id: string;
  model: string;
  parameters: TurnParameters;
}

function eventsOf({ id, model, parameters }: Named): string {
  const now = Date.now();
  const siblings = { index: 1, count: 1 };
  const shared = { id, sequenceNumber: 0, siblings, createdAt: now };
  const head: TurnHead = {
    ...{ turnId: id, conversationId: id, created: false, title: null, model, parameters },
    userMessage: { ...shared, parentId: null, text: '' },
    assistantMessage: shared,
    ...{ acceptedAt: now, conversationCreatedAt: now },
  };
  const message: Message = {
    ...shared,
    ...{ conversationId: id, turnId: id, parentId: null, role: 'assistant', status: 'complete' },
    ...{ parts: [], model, inputTokens: 0, outputTokens: 0, tokensEstimated: false },
    ...{
      finishReason: 'stop',
      isRefused: false,
      firstTokenMs: null,
      durationMs: 0,
      clientId: null,
    },
  };
  const encoder = responseEvents().encoder({ textOf: () => '' });
  return encoder.started(head, '') + encoder.ended(head, { message }, '');
}
