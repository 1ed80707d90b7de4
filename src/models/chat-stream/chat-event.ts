/** One event of a chat completion, in one form for every service. */
import { isRecord, recordOf, textOf, type JsonRecord } from './record.ts';
import { contentOf, NO_CONTENT } from './content.ts';
import { usageIn, type ChatUsage } from './usage.ts';

/** A piece of a tool call; the first piece of a call has its id and its name. */
export interface ToolCallDelta {
  index: number;
  id?: string;
  name?: string;
  arguments: string;
}

export interface ChatEvent {
  thought: string;
  text: string;
  /** The text by which a model refuses, where its service tells it apart. */
  refusal: string;
  toolCalls: readonly JsonRecord[];
  /** The service's own word for the finish; '' when the event has none. */
  finish: string;
  usage: ChatUsage | undefined;
}

/**
 * Reads one event, streamed (`delta`) or whole (`message`).
 * @returns an event that says nothing where the value has no choices and no counts
 */
export function readChatEvent(value: JsonRecord): ChatEvent {
  const choice = choiceOf(value);
  const said = saidBy(choice);
  const content = said['content'] ?? choice['text'];
  const isText = typeof content === 'string';
  const { thought, text } = isText ? NO_CONTENT : contentOf(content);
  return {
    thought: thoughtOf(said) || thought,
    text: isText ? content : text,
    refusal: textOf(said['refusal']),
    toolCalls: toolCallsOf(said),
    finish: textOf(choice['finish_reason']),
    usage: usageOf(value, choice),
  };
}

function usageOf(value: JsonRecord, choice: JsonRecord): ChatUsage | undefined {
  const { usage, x_groq: x } = value;
  return usageIn(usage) ?? usageIn(recordOf(x)['usage']) ?? usageIn(choice['usage']);
}

/** Returns the only choice that was asked for; services number it 0, otherwise or not at all. */
export function choiceOf(value: JsonRecord): JsonRecord {
  const choices = value['choices'];
  return recordOf(Array.isArray(choices) ? choices[0] : undefined);
}

function saidBy(choice: JsonRecord): JsonRecord {
  return isRecord(choice['delta']) ? choice['delta'] : recordOf(choice['message']);
}

/** Services name thoughts differently; one that fills several fields says the same in each. */
function thoughtOf(said: JsonRecord): string {
  return textOf(said['reasoning_content']) || textOf(said['reasoning']) || textOf(said['thinking']);
}

function toolCallsOf(said: JsonRecord): readonly JsonRecord[] {
  const calls = said['tool_calls'];
  if (Array.isArray(calls)) return calls.length === 0 ? NO_CALLS : calls.filter(isRecord);
  // The form before tools, which some services still use.
  return isRecord(said['function_call']) ? [{ function: said['function_call'] }] : NO_CALLS;
}

const NO_CALLS: readonly JsonRecord[] = [];
