/**
 * Reads the answers of OpenAI's Responses API, streamed or whole, and tells them as parts of the
 * SDK. It takes what an event says and passes over the rest, so that servers that leave fields out,
 * or send events of their own, are understood.
 */
import type { LanguageModelV4ToolCall } from '@ai-sdk/provider';
import { BodyReader } from './body-reader.ts';
import { finishNamed, type ChatFinish } from './finish-reasons.ts';
import { isRecord, recordOf, textOf, type JsonRecord } from '../../core/json.ts';
import { errorIn, type ReportedError } from './reported-error.ts';
import { usageIn, type ChatUsage } from './usage.ts';

export interface ResponsesSink {
  onText(text: string): void;
  onThought(thought: string): void;
  onCall(call: LanguageModelV4ToolCall): void;
  onEnd(finish: ChatFinish | undefined, usage: ChatUsage | undefined): void;
  onError(error: Error): void;
}

const TEXT_DELTAS = new Set(['response.output_text.delta', 'response.refusal.delta']);
const THOUGHT_DELTAS = new Set([
  'response.reasoning_summary_text.delta',
  'response.reasoning_text.delta',
]);
const FINISHED = new Set(['response.completed', 'response.incomplete', 'response.done']);

export class ResponsesReader extends BodyReader {
  readonly #sink: ResponsesSink;
  /** The calls that were told, by their ids: an item may come twice. */
  readonly #calls = new Set<string>();
  #finish: ChatFinish | undefined;
  #usage: ChatUsage | undefined;
  #isDeclared = false;

  constructor(sink: ResponsesSink, settleMs: number) {
    super(settleMs);
    this.#sink = sink;
  }

  protected override get isDeclared(): boolean {
    return this.#isDeclared;
  }

  protected override errorOf(value: JsonRecord, type: string): ReportedError | undefined {
    const response = recordOf(value['response'] ?? value);
    if (response['status'] !== 'failed' && value['type'] !== 'response.failed')
      return errorIn(value, type, this.isStream);
    return errorIn({ error: response['error'] ?? { code: 'server_error' } }, 'error', true);
  }

  protected override read(value: JsonRecord): void {
    const type = textOf(value['type']);
    const delta = textOf(value['delta']);
    if (TEXT_DELTAS.has(type)) this.#sink.onText(delta);
    else if (THOUGHT_DELTAS.has(type)) this.#sink.onThought(delta);
    else if (type === 'response.output_item.done') this.#readCall(recordOf(value['item']));
    else if (FINISHED.has(type)) this.#readEnd(recordOf(value['response']));
    else if (type === '' && Array.isArray(value['output'])) this.#readWhole(value);
  }

  /** Reads a call of a function, whose arguments are whole now; other items are passed over. */
  #readCall({ type, id, call_id, name, arguments: given }: JsonRecord): void {
    const toolCallId = textOf(call_id) || textOf(id);
    if (type !== 'function_call' || this.#calls.has(toolCallId)) return;
    this.#calls.add(toolCallId);
    const input = isRecord(given) ? JSON.stringify(given) : textOf(given) || '{}';
    this.#sink.onCall({ type: 'tool-call', toolCallId, toolName: textOf(name), input });
  }

  #readEnd(response: JsonRecord): void {
    const { status, incomplete_details: details, output, usage } = response;
    // Some servers give a call with the end alone.
    if (Array.isArray(output)) for (const item of output) this.#readCall(recordOf(item));
    const reason = textOf(recordOf(details)['reason']);
    this.#usage = usageIn(usage) ?? this.#usage;
    // An answer that is incomplete for a reason that nobody knows has no declared finish.
    if (reason !== '' || status === 'incomplete') this.#finish = finishNamed(reason);
    else this.#finish = this.#calls.size > 0 ? 'tool_calls' : 'stop';
    this.#isDeclared = this.#finish !== undefined;
    this.finish();
  }

  #readWhole(response: JsonRecord): void {
    const items = (response['output'] as unknown[]).map(recordOf);
    for (const { type, summary, content } of items) {
      if (type === 'reasoning') this.#sink.onThought(textsIn(content) || textsIn(summary));
      if (type === 'message') this.#sink.onText(textsIn(content));
    }
    this.#readEnd(response);
  }

  protected override tellEnd(): void {
    this.#sink.onEnd(this.#finish, this.#usage);
  }

  protected override tellError(error: Error): void {
    this.#sink.onError(error);
  }
}

function textsIn(parts: unknown): string {
  if (!Array.isArray(parts)) return '';
  return parts
    .map(recordOf)
    .map(({ text, refusal }) => textOf(text) || textOf(refusal))
    .join('');
}
