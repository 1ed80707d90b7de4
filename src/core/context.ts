/** Chooses which messages of a conversation a model is sent. */
import { estimateFile } from './file.ts';
import type { Role } from './message.ts';
import { contentOf, filesIn, type FilePart, type Part, type ResultFile } from './parts.ts';
import { estimateTokens, MOST_TOKENS_A_UNIT } from './tokens.ts';

/** One message of the history as the model will see it. */
export interface ContextMessage {
  role: Role;
  parts: Part[];
  /** True when results in it have just come: the model is to go on after them. */
  hasNewResults?: true;
  /** True for what the assistant said before anybody asked anything. */
  isGreeting?: true;
}

export interface ContextLimits {
  /** The most messages that are sent, counted from the newest; the new user message is included. */
  windowMessages: number;
  /** At least so many of the newest messages are sent, even when they exceed the budget. */
  minMessages: number;
  /** The most tokens that instructions and messages may take together. */
  tokenBudget: number;
}

/** Returns the visible text of a message. */
export function textOf({ parts }: ContextMessage): string {
  return contentOf(parts);
}

/**
 * Chooses the messages to send: the newest that fit. Messages are kept whole, the first is the
 * user's or a greeting, and neighbouring messages of one role are merged. An older message that
 * does not fit with its tool calls may fit without them.
 * @param history oldest first, the new user message last; failed and empty answers are left out
 *   already
 * @param reserved tokens that instructions and passages take from the budget
 */
export function chooseContext({
  history,
  limits,
  reserved = 0,
}: {
  history: readonly ContextMessage[];
  limits: ContextLimits;
  reserved?: number;
}): ContextMessage[] {
  const newest = history.slice(-Math.max(limits.windowMessages, 1));
  const fitting = chooseFitting(newest, limits, limits.tokenBudget - reserved);
  const first = fitting.findIndex(({ role, isGreeting }) => role === 'user' || isGreeting);
  const sent = fitting.slice(Math.max(first, 0)).filter(({ parts }) => parts.length > 0);
  return mergeNeighbours(sent);
}

function chooseFitting(
  newest: readonly ContextMessage[],
  { minMessages }: ContextLimits,
  budget: number,
): ContextMessage[] {
  // A text that fits even by its upper bound needs no estimate, so most turns make none.
  const units = newest.reduce((sum, message) => sum + lengthOf(message), 0);
  if (units * MOST_TOKENS_A_UNIT <= budget) return [...newest];
  const chosen: ContextMessage[] = [];
  let tokens = 0;
  for (const message of newest.toReversed()) {
    const whole = estimateMessage(message);
    const mayKeep = message.hasNewResults || tokens + whole <= budget;
    const plain = mayKeep ? message : withoutTools(message);
    tokens += plain === message ? whole : estimateMessage(plain);
    if (tokens > budget && chosen.length >= Math.max(minMessages, 1)) break;
    chosen.push(plain);
  }
  return chosen.toReversed();
}

/** Estimates the tokens of all that a model is sent of a message. */
export function estimateMessage({ parts }: ContextMessage): number {
  return parts.reduce((sum, part) => sum + estimatePart(part), 0);
}

function estimatePart(part: Part): number {
  return estimateTokens(sentText(part)) + tokensOfFiles(part);
}

function tokensOfFiles(part: Part): number {
  return filesOf(part).reduce((sum, file) => sum + estimateFile(file), 0);
}

function filesOf(part: Part): readonly (FilePart | ResultFile)[] {
  if (part.type === 'file') return [part];
  if (part.type === 'tool_result') return part.files ?? [];
  return part.type === 'steered' ? filesIn(part.message.parts ?? []) : [];
}

/** Returns a number of UTF-16 units of text that take no less than the message does. */
function lengthOf({ parts }: ContextMessage): number {
  return parts.reduce((sum, part) => sum + sentText(part).length + tokensOfFiles(part), 0);
}

/** Returns what a model is sent of a part, as text. Reasoning and sources are not sent. */
function sentText(part: Part): string {
  if (part.type === 'text') return part.text;
  if (part.type === 'tool_call') return part.name + JSON.stringify(part.input);
  if (part.type === 'steered') return part.message.content;
  return part.type === 'tool_result' ? JSON.stringify(part.output) : '';
}

/** Returns the message without its tool calls and results, which are only left out in pairs. */
export function withoutTools(message: ContextMessage): ContextMessage {
  const isOther = ({ type }: Part) => type !== 'tool_call' && type !== 'tool_result';
  return message.parts.every(isOther)
    ? message
    : { ...message, parts: message.parts.filter(isOther) };
}

function mergeNeighbours(messages: readonly ContextMessage[]): ContextMessage[] {
  const merged: ContextMessage[] = [];
  for (const message of messages) {
    const last = merged.at(-1);
    if (last?.role === message.role) last.parts = joined(last.parts, message.parts);
    else merged.push({ ...message });
  }
  return merged;
}

/** Joins the parts of two messages, with an empty line where text meets text. */
function joined(before: readonly Part[], after: readonly Part[]): Part[] {
  const [last, first] = [before.at(-1), after[0]];
  if (last?.type !== 'text' || first?.type !== 'text') return [...before, ...after];
  const text = `${last.text}\n\n${first.text}`;
  return [...before.slice(0, -1), { type: 'text', text }, ...after.slice(1)];
}
