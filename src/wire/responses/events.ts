/**
 * The events of OpenAI's Responses. Their numbers are the same in every replay, however a text is
 * cut into deltas: each UTF-16 unit of a text counts as one, each other event as one, and a delta
 * has the number of its last unit. So a number is a place in the answer, and a reader who has the
 * events up to it misses nothing of what follows.
 */
import { failureMayPass } from '../../core/errors.ts';
import type { Outcome, TurnHead } from '../../core/message.ts';
import type { Citation, GrowingType, Part } from '../../core/parts.ts';
import { DONE, EVENT_STREAM_HEADERS } from '../sse.ts';
import { BrokenOff, type AnswerTexts, type Encoder, type Wire } from '../wire.ts';
import { INDEX, PART_ADDED, PART_DONE, TEXT_DONE, terminalOf } from './event-names.ts';
import { itemId } from './ids.ts';
import {
  messageItem,
  outputItems,
  outputText,
  reasoningItem,
  type ItemStatus,
  type OutputItem,
} from './items.ts';
import { responseResource } from './resource.ts';
import { openAiError } from '../openai-error.ts';

const LAST_EVENT = `data: ${DONE}\n\n`;
const NAME = 'responses';
/** The number of a reader that has nothing yet. */
const NOTHING = -1;

/**
 * Returns the wire for readers that have the events up to a number.
 * @param after undefined for a reader that has none
 */
export function responseEvents(after = NOTHING): Wire {
  return {
    name: after === NOTHING ? NAME : `${NAME}:${after}`,
    headers: EVENT_STREAM_HEADERS,
    // Its readers do not reconnect by themselves.
    isEventStream: false,
    isStateless: false,
    encoder: (texts) => new ResponseEncoder(after, texts),
  };
}

/** Returns the wire that {@link responseEvents} has given this name; undefined for another name. */
export function responseWireNamed(name: string): Wire | undefined {
  const match = /^responses(?::(\d{1,15}))?$/.exec(name);
  if (!match) return undefined;
  return responseEvents(match[1] === undefined ? NOTHING : Number(match[1]));
}

/** Returns the number of the last event of a turn that has ended. */
export function lastNumberOf(head: TurnHead, outcome: Outcome): number {
  const { parts } = outcome.message;
  const textOf = (at: number) => {
    const part = parts[at];
    return part && 'text' in part ? part.text : '';
  };
  const encoder = new ResponseEncoder(Number.POSITIVE_INFINITY, { textOf });
  encoder.started(head);
  for (const part of parts) {
    if (part.type === 'text') encoder.text(part.text);
    else if (part.type === 'reasoning') encoder.reasoning(part.text);
    else encoder.part(part);
  }
  encoder.ended(head, outcome);
  return encoder.number;
}

/** An item whose text grows. */
interface OpenItem {
  type: GrowingType;
  id: string;
  /** The number of its part in the answer. */
  part: number;
  place: { item_id: string; output_index: number };
  /** A delta up to its number. */
  opening: string;
}

const NO_TEXTS: AnswerTexts = { textOf: () => '' };

class ResponseEncoder implements Encoder {
  /** The number of the last event. */
  number = NOTHING;
  readonly #after: number;
  readonly #texts: AnswerTexts;
  #answerId = '';
  #open: OpenItem | undefined;
  #parts = 0;
  #items = 0;
  #hasText = false;
  #sources: readonly Citation[] = [];

  constructor(after: number, texts: AnswerTexts = NO_TEXTS) {
    this.#after = after;
    this.#texts = texts;
  }

  initialId(): string {
    return '';
  }

  started(head: TurnHead): string {
    this.#answerId = head.assistantMessage.id;
    const response = responseResource(head);
    return (
      this.#event('response.created', { response }) +
      this.#event('response.in_progress', { response })
    );
  }

  text(delta: string): string {
    return this.#grow('text', delta);
  }

  reasoning(delta: string): string {
    return this.#grow('reasoning', delta);
  }

  part(part: Exclude<Part, { text: string }>): string {
    const closed = this.#close('completed');
    this.#parts++;
    if (part.type === 'sources') this.#sources = [...this.#sources, ...part.sources];
    return closed;
  }

  ended(head: TurnHead, outcome: Outcome): string {
    const { message, error } = outcome;
    // The answer may or may not be stored: nothing that could be said here is certain.
    if (error?.code === 'not_stored') throw new BrokenOff();
    let said = this.#close(message.status === 'complete' ? 'completed' : 'incomplete');
    for (const item of outputItems(message).slice(this.#items)) said += this.#whole(item);
    // Its reader may have more than was stored before the server died, or have named a number
    // while nobody knew that it is beyond the end: the end is what both need.
    const isBeyond = Number.isFinite(this.#after) && this.#after > this.number + 1;
    if (error?.code === 'turn_lost' || isBeyond) this.number = Math.max(this.number, this.#after);
    const response = responseResource(head, outcome);
    return said + this.#event(terminalOf(response.status), { response }) + LAST_EVENT;
  }

  keepAlive(): string {
    return ': keep-alive\n\n';
  }

  refused(_: unknown, failure: Parameters<Encoder['refused']>[1]): string {
    if (failureMayPass(failure)) throw new BrokenOff();
    const { error } = openAiError(failure);
    // OpenAI's clients look for the fields, those of Open Responses for the object.
    return this.#event('error', { ...error, type: 'error', error }) + LAST_EVENT;
  }

  #event(type: string, fields: object): string {
    this.number++;
    if (this.number <= this.#after) return '';
    const data = JSON.stringify({ type, sequence_number: this.number, ...fields });
    return `event: ${type}\ndata: ${data}\n\n`;
  }

  #grow(type: GrowingType, delta: string): string {
    const before = this.#open?.type === type ? '' : this.#close('completed') + this.#begin(type);
    const from = this.number;
    this.number += delta.length;
    if (!this.#open || this.number <= this.#after) return before;
    const news = from >= this.#after ? delta : delta.slice(this.#after - from);
    return `${before}${this.#open.opening}${this.number},"delta":${JSON.stringify(news)}}\n\n`;
  }

  #begin(type: GrowingType): string {
    const part = this.#parts++;
    const isText = type === 'text';
    const isFirst = isText && !this.#hasText;
    this.#hasText ||= isText;
    const id = itemId(isText ? 'msg' : 'rs', this.#answerId, isFirst ? undefined : part);
    const place = { item_id: id, output_index: this.#items++ };
    const event = isText ? 'response.output_text.delta' : 'response.reasoning_summary_text.delta';
    const fields = { type: event, ...place, ...INDEX[type], ...(isText ? { logprobs: [] } : {}) };
    const opening = `event: ${event}\ndata: ${JSON.stringify(fields).slice(0, -1)},"sequence_number":`;
    this.#open = { type, id, part, place, opening };
    const item = isText ? messageItem(id, 'in_progress') : reasoningItem(id);
    return this.#added(item, place.output_index) + this.#event(PART_ADDED[type], this.#partOf(''));
  }

  /** Ends the item that grows, with its whole text. */
  #close(status: ItemStatus): string {
    const open = this.#open;
    if (!open) return '';
    const text = this.#texts.textOf(open.part);
    const { type, id, place } = open;
    const isText = type === 'text';
    const item = isText
      ? messageItem(id, status, { text, sources: this.#sources })
      : reasoningItem(id, text);
    const whole = { ...place, ...INDEX[type], text, ...(isText ? { logprobs: [] } : {}) };
    const said =
      this.#event(TEXT_DONE[type], whole) +
      this.#event(PART_DONE[type], this.#partOf(text)) +
      this.#done(item, place.output_index);
    this.#open = undefined;
    return said;
  }

  #partOf(text: string) {
    if (!this.#open) return {};
    const { type, place } = this.#open;
    const part =
      type === 'text' ? outputText(text, this.#sources) : { type: 'summary_text' as const, text };
    return { ...place, ...INDEX[type], part };
  }

  /** Tells of an item that is there as a whole. */
  #whole(item: OutputItem): string {
    const index = this.#items++;
    if (item.type !== 'function_call') return this.#added(item, index) + this.#done(item, index);
    const place = { item_id: item.id, output_index: index };
    return (
      this.#added({ ...item, status: 'in_progress', arguments: '' }, index) +
      this.#event('response.function_call_arguments.delta', { ...place, delta: item.arguments }) +
      this.#event('response.function_call_arguments.done', {
        ...place,
        name: item.name,
        arguments: item.arguments,
      }) +
      this.#done(item, index)
    );
  }

  #added(item: object, index: number): string {
    return this.#event('response.output_item.added', { output_index: index, item });
  }

  #done(item: object, index: number): string {
    return this.#event('response.output_item.done', { output_index: index, item });
  }
}
