/** Counts the tokens of a turn: what the provider reported of each call, an estimate of the rest. */
import type { LanguageModelV4Prompt, LanguageModelV4Usage } from '@ai-sdk/provider';
import type { MessageBuffer, Position } from '../../core/message-buffer.ts';
import type { Usage } from '../../core/message.ts';
import type { Part } from '../../core/parts.ts';
import { correctionFrom } from '../../core/token-correction.ts';
import { estimateTokens, MOST_TOKENS_A_UNIT } from '../../core/tokens.ts';

export type ReportedUsage = LanguageModelV4Usage | undefined;

/** A call of the model that had a part in the answer. */
export interface ModelCall {
  /** The last counts that came; undefined where none did. */
  reported: ReportedUsage;
  prompt: LanguageModelV4Prompt;
  /** Where in the answer begins what it said; it ends where the next call begins. */
  start: Position;
}

/** More than any model takes or gives: a count above it is not one. */
const MOST_TOKENS = 100_000_000;

/**
 * @param calls in order
 * @param others reported counts of calls that said nothing of the answer, such as rewriting a query
 * @returns the sums; `estimated` where any count of them is ours
 */
export function countUsage({
  calls,
  others,
  answer,
}: {
  calls: readonly ModelCall[];
  others: readonly ReportedUsage[];
  answer: MessageBuffer;
}): Usage {
  const usage: Usage = { inputTokens: 0, outputTokens: 0, estimated: false };
  for (const other of others) {
    add(usage, 'inputTokens', other?.inputTokens.total, () => 0);
    add(usage, 'outputTokens', other?.outputTokens.total, () => 0);
  }
  for (const [index, { reported, prompt, start }] of calls.entries()) {
    add(usage, 'inputTokens', reported?.inputTokens.total, () => estimatePrompt(prompt));
    const end = calls[index + 1]?.start.part;
    add(usage, 'outputTokens', reported?.outputTokens.total, () =>
      estimateOutput(answer.since(start, end)),
    );
  }
  return usage;
}

/** Adds what was reported, or an estimate, which takes long enough not to be made in vain. */
function add(
  usage: Usage,
  name: 'inputTokens' | 'outputTokens',
  reported: number | undefined,
  estimate: () => number,
): void {
  const isCounted = isBelievable(reported);
  if (isCounted && reported > 0) {
    usage[name] += reported;
    return;
  }
  const estimated = estimate();
  usage[name] += estimated;
  // The SDK reads a count that is null as nothing; of a text that is there, nothing is no count.
  if (!isCounted || estimated > 0) usage.estimated = true;
}

/**
 * Returns how many of the provider's tokens one of our estimates of a prompt stands for. Null where
 * nothing was counted, and for a prompt that fits whatever its texts are: then no estimate is made.
 */
export function tokenRatio(
  { reported, prompt }: ModelCall,
  window: { context: number; answer: number },
): number | null {
  const counted = reported?.inputTokens.total;
  const isNearLimit = lengthOf(prompt) * MOST_TOKENS_A_UNIT > window.context - window.answer;
  if (!isNearLimit || !isBelievable(counted)) return null;
  return correctionFrom({ counted, estimated: estimatePrompt(prompt) });
}

/** UTF-16 units of the texts of a prompt. */
function lengthOf(prompt: LanguageModelV4Prompt): number {
  let length = 0;
  for (const { content } of prompt) {
    if (typeof content === 'string') length += content.length;
    else for (const part of content) length += part.type === 'text' ? part.text.length : 0;
  }
  return length;
}

/** True for a count that can be one. */
function isBelievable(count: number | undefined): count is number {
  return count !== undefined && Number.isInteger(count) && count >= 0 && count <= MOST_TOKENS;
}

/** Estimates what a model said: its text, its thoughts and its calls of tools. */
export function estimateOutput(parts: readonly Part[]): number {
  let tokens = 0;
  for (const part of parts) {
    if (part.type === 'text' || part.type === 'reasoning') tokens += estimateTokens(part.text);
    else if (part.type === 'tool_call') tokens += estimateCall(part.name, part.input);
  }
  return tokens;
}

/** Estimates what a model is sent: texts, thoughts, calls of tools and what came of them. */
export function estimatePrompt(prompt: LanguageModelV4Prompt): number {
  let tokens = 0;
  for (const { content } of prompt) {
    if (typeof content === 'string') tokens += estimateTokens(content);
    else for (const part of content) tokens += estimatePart(part);
  }
  return tokens;
}

type PromptPart = Exclude<LanguageModelV4Prompt[number]['content'], string>[number];

function estimatePart(part: PromptPart): number {
  switch (part.type) {
    case 'text':
    case 'reasoning':
      return estimateTokens(part.text);
    case 'tool-call':
      return estimateCall(part.toolName, part.input);
    case 'tool-result':
      return estimateJson(part.output);
    default:
      return 0;
  }
}

function estimateCall(name: string, input: unknown): number {
  return estimateTokens(name) + estimateJson(input);
}

function estimateJson(value: unknown): number {
  return estimateTokens(JSON.stringify(value) ?? '');
}
