/** One event of a chat completion, in one form for every service. */
import { contentOf, NO_CONTENT } from './content.ts';
import { readOtherShape } from './other-shapes.ts';
import { isRecord, recordOf, textOf, type JsonRecord } from '../../core/json.ts';
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
  /** True of a whole message in place of a delta. */
  isWhole: boolean;
}

/**
 * Reads one event, streamed (`delta`) or whole (`message`).
 * @returns an event that says nothing where the value has no choices and no counts
 */
export function readChatEvent(value: JsonRecord): ChatEvent {
  const { choices } = value;
  if (!Array.isArray(choices)) return readOtherShape(value) ?? readChoice(value, NOTHING);
  const [first, ...others] = choices.map(recordOf);
  const event = readChoice(value, first ?? NOTHING);
  // Some services divide one answer into choices of the same number: the text, and each call.
  for (const choice of others)
    if (choice['index'] === first?.['index']) addTo(event, readChoice(NOTHING, choice));
  return event;
}

function readChoice(value: JsonRecord, choice: JsonRecord): ChatEvent {
  const isWhole = !isRecord(choice['delta']) && isRecord(choice['message']);
  const said = recordOf(isWhole ? choice['message'] : choice['delta']);
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
    isWhole,
  };
}

function addTo(event: ChatEvent, other: ChatEvent): void {
  event.thought += other.thought;
  event.text += other.text;
  event.refusal += other.refusal;
  event.toolCalls = [...event.toolCalls, ...other.toolCalls];
  event.finish ||= other.finish;
  event.usage ??= other.usage;
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

/** Services name thoughts differently; one that fills several fields says the same in each. */
function thoughtOf(said: JsonRecord): string {
  return (
    textOf(said['reasoning_content']) ||
    textOf(said['reasoning']) ||
    textOf(said['thinking']) ||
    (said['content'] ? '' : lesserThought(said))
  );
}

/** Returns what stands in the fields that only count in an event without text. */
function lesserThought({ reasoning_text: text, reasoning_details: details }: JsonRecord): string {
  if (!Array.isArray(details)) return textOf(text);
  const pieces = details.map((detail) => {
    const { text: own, summary } = recordOf(detail);
    return textOf(own) || textOf(summary);
  });
  return textOf(text) || pieces.join('');
}

function toolCallsOf(said: JsonRecord): readonly JsonRecord[] {
  const calls = said['tool_calls'];
  if (Array.isArray(calls)) return calls.length === 0 ? NO_CALLS : calls.filter(isRecord);
  if (isRecord(calls)) return [calls];
  // The form before tools, which some services still use.
  return isRecord(said['function_call']) ? [{ function: said['function_call'] }] : NO_CALLS;
}

const NO_CALLS: readonly JsonRecord[] = [];
const NOTHING: JsonRecord = {};
