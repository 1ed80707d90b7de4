/**
 * Counts the tokens of a turn: the provider's counts of each call, and estimates where it reported
 * none.
 */
import type { LanguageModelV4Prompt, LanguageModelV4Usage } from '@ai-sdk/provider';
import type { MessageBuffer, Position } from '../../core/message-buffer.ts';
import type { TokenCounts } from '../../core/ledger.ts';
import type { Usage } from '../../core/message.ts';
import type { Part } from '../../core/parts.ts';
import { knownTokens } from '../../core/known-tokens.ts';
import { correctionFrom } from '../../core/token-correction.ts';
import { estimatePromptFile } from './prompt-files.ts';
import { estimateTokens, MOST_TOKENS_A_UNIT } from '../../core/tokens.ts';

export type ReportedUsage = LanguageModelV4Usage | undefined;

/** A model call whose output is part of the answer. */
export interface ModelCall {
  /** The last counts that the provider reported; undefined when it reported none. */
  reported: ReportedUsage;
  prompt: LanguageModelV4Prompt;
  /**
   * The position in the answer at which the output of this call begins; it ends where the next call
   * begins.
   */
  start: Position;
  /** The tokens of its output by an estimate, where not all of it is kept. */
  written?: number | undefined;
}

/** The largest count that is believed; it is more than any model reads or writes. */
const MOST_TOKENS = 100_000_000;

/**
 * Sums the tokens of a turn's calls.
 * @param calls in order
 * @param others reported counts of calls that wrote nothing of the answer, such as rewriting a
 *   query
 * @returns the sums; `estimated` is true when any count is ours
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
  for (const [index, { reported, prompt, start, written }] of calls.entries()) {
    add(usage, 'inputTokens', reported?.inputTokens.total, () => estimatePrompt(prompt));
    const end = calls[index + 1]?.start.part;
    add(
      usage,
      'outputTokens',
      reported?.outputTokens.total,
      () => written ?? estimateOutput(answer.since(start, end)),
    );
  }
  return usage;
}

/**
 * Returns the tokens of one call: as the service reported them, or estimated.
 * @param estimate makes the estimates, which takes time: each is made when it is needed
 */
export function countTokens(
  reported: ReportedUsage,
  estimate: Readonly<Record<'input' | 'output', () => number>>,
): TokenCounts {
  const usage: Usage = { inputTokens: 0, outputTokens: 0, estimated: false };
  add(usage, 'inputTokens', reported?.inputTokens.total, estimate.input);
  add(usage, 'outputTokens', reported?.outputTokens.total, estimate.output);
  const { inputTokens, outputTokens, estimated } = usage;
  return {
    inputTokens,
    outputTokens,
    cachedTokens: among(reported?.inputTokens.cacheRead, inputTokens),
    reasoningTokens: among(reported?.outputTokens.reasoning, outputTokens),
    isEstimated: estimated,
  };
}

/** Returns a reported share of a count, which cannot be more than the whole. */
function among(reported: number | undefined, whole: number): number {
  return isBelievable(reported) ? Math.min(reported, whole) : 0;
}

/**
 * Adds a reported count, or an estimate when there is none. Estimates take time, so they are only
 * made when needed.
 */
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
  // The SDK turns a missing count into zero, so a zero for a text that exists is not believed.
  if (!isCounted || estimated > 0) usage.estimated = true;
}

/**
 * Returns the number of the provider's tokens that one estimated token of a prompt stands for. Null
 * when nothing was counted, and for a prompt that fits whatever its texts are, which needs no
 * estimate.
 */
export function tokenRatio(
  { reported, prompt }: ModelCall,
  window: { context: number; answer: number },
): number | null {
  const counted = reported?.inputTokens.total;
  // What files take is guessed, and says nothing about texts.
  if (hasFiles(prompt)) return null;
  const isNearLimit = lengthOf(prompt) * MOST_TOKENS_A_UNIT > window.context - window.answer;
  if (!isNearLimit || !isBelievable(counted)) return null;
  return correctionFrom({ counted, estimated: estimatePrompt(prompt) });
}

function hasFiles(prompt: LanguageModelV4Prompt): boolean {
  return prompt.some(
    ({ role, content }) => role === 'user' && content.some(({ type }) => type === 'file'),
  );
}

/** Returns the length of the texts of a prompt, in UTF-16 units. */
function lengthOf(prompt: LanguageModelV4Prompt): number {
  let length = 0;
  for (const { content } of prompt) {
    if (typeof content === 'string') length += content.length;
    else for (const part of content) length += part.type === 'text' ? part.text.length : 0;
  }
  return length;
}

/** Returns true for a count that may be right. */
function isBelievable(count: number | undefined): count is number {
  return count !== undefined && Number.isInteger(count) && count >= 0 && count <= MOST_TOKENS;
}

/** Estimates the output tokens of a model: text, reasoning and tool calls. */
export function estimateOutput(parts: readonly Part[]): number {
  let tokens = 0;
  for (const part of parts) {
    if (part.type === 'text' || part.type === 'reasoning') tokens += estimateTokens(part.text);
    else if (part.type === 'tool_call') tokens += estimateCall(part.name, part.input);
  }
  return tokens;
}

/** Estimates the input tokens of a model: texts, reasoning, tool calls and their results. */
export function estimatePrompt(prompt: LanguageModelV4Prompt): number {
  let tokens = 0;
  for (const { content } of prompt) {
    if (typeof content === 'string') tokens += knownTokens(content);
    else for (const part of content) tokens += estimatePart(part);
  }
  return tokens;
}

type PromptPart = Exclude<LanguageModelV4Prompt[number]['content'], string>[number];

function estimatePart(part: PromptPart): number {
  switch (part.type) {
    case 'text':
    case 'reasoning':
      return knownTokens(part.text);
    case 'tool-call':
      return estimateCall(part.toolName, part.input);
    case 'tool-result':
      return estimateJson(part.output);
    case 'file':
      return estimatePromptFile(part);
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
