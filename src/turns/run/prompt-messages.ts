/** Converts messages of the history to the form that providers take. */
import type { LanguageModelV4Message, LanguageModelV4Prompt } from '@ai-sdk/provider';
import type { ContextMessage } from '../../core/context.ts';
import {
  contentOf,
  filesIn,
  type Part,
  type ResultFile,
  type SteeredMessage,
} from '../../core/parts.ts';
import { promptFile } from './prompt-files.ts';
import { resultFiles, toolOutput, type Takes } from './tool-output.ts';

type AssistantMessage = Extract<LanguageModelV4Message, { role: 'assistant' }>;
type UserMessage = Extract<LanguageModelV4Message, { role: 'user' }>;
type ToolMessage = Extract<LanguageModelV4Message, { role: 'tool' }>;
/** The messages of an answer: texts, calls, results, and what the user said between. */
type SentMessage = AssistantMessage | ToolMessage | UserMessage;
type ToolCall = Extract<Part, { type: 'tool_call' }>;
type ToolResult = Extract<Part, { type: 'tool_result' }>;

/**
 * Returns the prompt messages for one message of the history; an answer that used tools becomes
 * several.
 * @param takes the files of results that the model takes
 */
export function promptMessages(
  { role, parts }: ContextMessage,
  takes: Takes,
): LanguageModelV4Prompt {
  if (role === 'user') return [userMessage(parts)];
  const results = resultsIn(parts);
  const messages: SentMessage[] = [];
  const files: ResultFile[] = [];
  // They follow the results of a step, which stand together.
  const addFiles = () => messages.push(...resultFiles(files.splice(0), takes));
  for (const part of parts) {
    if (part.type === 'steered') {
      addFiles();
      messages.push(userMessage(saidIn(part.message)));
    } else if (part.type === 'text') {
      addFiles();
      assistantIn(messages).content.push({ type: 'text', text: part.text });
    }
    const result = part.type === 'tool_call' ? results.get(part.tool_call_id)?.shift() : undefined;
    // Providers refuse a call without its result, so a call that was never answered is left out.
    if (part.type !== 'tool_call' || !result) continue;
    addCall(messages, part, { result, takes });
    files.push(...(result.files ?? []));
  }
  addFiles();
  return messages;
}

function saidIn({ content, parts }: SteeredMessage): Part[] {
  return parts ?? [{ type: 'text', text: content }];
}

function userMessage(parts: readonly Part[]): UserMessage {
  return { role: 'user', content: userContent(parts) };
}

function userContent(parts: readonly Part[]): UserMessage['content'] {
  if (filesIn(parts).length === 0) return [{ type: 'text', text: contentOf(parts) }];
  return parts.flatMap((part): UserMessage['content'] => {
    if (part.type === 'file') return [promptFile(part)];
    return part.type === 'text' ? [{ type: 'text', text: part.text }] : [];
  });
}

/** Returns the results by the ids of their calls, which some services use more than once. */
function resultsIn(parts: readonly Part[]): Map<string, ToolResult[]> {
  const results = new Map<string, ToolResult[]>();
  for (const part of parts) {
    if (part.type !== 'tool_result') continue;
    const earlier = results.get(part.tool_call_id);
    if (earlier) earlier.push(part);
    else results.set(part.tool_call_id, [part]);
  }
  return results;
}

/** Adds a call and its result. Calls of one step share a message, and so do their results. */
function addCall(
  messages: SentMessage[],
  call: ToolCall,
  { result, takes }: { result: ToolResult; takes: Takes },
): void {
  const last = messages.at(-1);
  const toolCallId = call.tool_call_id;
  const toolName = call.name;
  const answered = {
    type: 'tool-result' as const,
    toolCallId,
    toolName,
    output: toolOutput({ ...result, isError: result.is_error === true }, takes),
  };
  assistantOf(messages, last).content.push({
    type: 'tool-call',
    toolCallId,
    toolName,
    // An input that was no JSON is kept as its text, which no service takes.
    input: typeof call.input === 'object' ? call.input : {},
    ...(call.provider_metadata ? { providerOptions: call.provider_metadata } : {}),
  });
  if (last?.role === 'tool') last.content.push(answered);
  else messages.push({ role: 'tool', content: [answered] });
}

/**
 * Returns the assistant's message that a call belongs to: the one before the results, or a new one.
 */
function assistantOf(messages: SentMessage[], last: SentMessage | undefined): AssistantMessage {
  const before = messages.at(-2);
  return last?.role === 'tool' && before?.role === 'assistant' ? before : assistantIn(messages);
}

function assistantIn(messages: SentMessage[]): AssistantMessage {
  const last = messages.at(-1);
  if (last?.role === 'assistant') return last;
  const next: AssistantMessage = { role: 'assistant', content: [] };
  messages.push(next);
  return next;
}

/** Returns a prompt without tool calls and results, for a model that takes no tools. */
export function withoutToolMessages(prompt: LanguageModelV4Prompt): LanguageModelV4Prompt {
  return prompt.flatMap((message): LanguageModelV4Prompt => {
    if (message.role === 'tool') return [];
    if (message.role !== 'assistant') return [message];
    const content = message.content.filter(({ type }) => type !== 'tool-call');
    return content.length === 0 ? [] : [{ ...message, content }];
  });
}
