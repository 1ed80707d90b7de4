/** Puts the pieces of tool calls into the form that providers insist on. */
import type { ToolCallDelta } from './chat-event.ts';
import { recordOf, textOf, type JsonRecord } from '../../core/json.ts';

/**
 * Numbers the calls of one answer. Services leave out the index, number every call 0, repeat ids,
 * give none, or send the arguments as an object.
 */
export class ToolCallDeltas {
  /** The id that each call has, by its number. */
  readonly #ids: string[] = [];
  /** Numbers of the calls by the service's own index. */
  readonly #byIndex = new Map<number, number>();

  read(deltas: readonly JsonRecord[]): ToolCallDelta[] {
    return deltas.map((delta) => this.#readOne(delta));
  }

  #readOne(delta: JsonRecord): ToolCallDelta {
    const called = recordOf(delta['function']);
    const id = textOf(delta['id']);
    const name = textOf(called['name']) || textOf(delta['name']);
    const found = this.#find(delta['index'], id, name);
    const text = argumentsOf(called['arguments'] ?? delta['arguments']);
    if (found !== undefined) return { index: found, arguments: text };
    const index = this.#begin(delta['index'], id);
    return { index, id: this.#ids[index], name, arguments: text };
  }

  /** Returns the number of the call that a piece belongs to; undefined when it begins one. */
  #find(index: unknown, id: string, name: string): number | undefined {
    const last = this.#ids.length - 1;
    const known = typeof index === 'number' ? this.#byIndex.get(index) : undefined;
    if (known !== undefined) {
      const isAnother = id !== '' && name !== '' && id !== this.#ids[known];
      return isAnother ? undefined : known;
    }
    const byId = id === '' ? -1 : this.#ids.indexOf(id);
    if (byId >= 0) return byId;
    const isContinued = typeof index !== 'number' && id === '' && name === '' && last >= 0;
    return isContinued ? last : undefined;
  }

  #begin(index: unknown, id: string): number {
    const number = this.#ids.length;
    this.#ids.push(id === '' ? `call_${number}` : id);
    if (typeof index === 'number') this.#byIndex.set(index, number);
    return number;
  }
}

function argumentsOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === null || value === undefined ? '' : JSON.stringify(value);
}
