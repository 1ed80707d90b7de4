/** Reads from a chat completion which chat it belongs to. */
import type { AppContext } from '../shared/dependencies.ts';
import { checkedName, lineageOf, type Lineage } from '../shared/lineage.ts';
import type { CompletionBody } from './completion-body.ts';

/** Reads `metadata.conversation_id`, and the headers of clients. */
export function completionLineage(c: AppContext, body: CompletionBody): Lineage {
  const said = lineageOf(c);
  const named = body.metadata?.['conversation_id'];
  return {
    ...said,
    conversationId: named === undefined ? undefined : checkedName('metadata', named),
    isTask: said.isTask || body.store === false || isTaskPrompt(body),
  };
}

/** The beginning that Open WebUI's prompts for titles, tags and the like share. */
const TASK = /^### Task:\s/;
const TASK_MATERIAL = /<chat_history>|^### Task:\s+You are an autocompletion system/;

/** Returns true for a message that is alone and that a client wrote for itself. */
function isTaskPrompt({ messages }: CompletionBody): boolean {
  const [only, ...others] = messages;
  if (!only || others.length > 0 || only.role !== 'user') return false;
  const { content } = only;
  return typeof content === 'string' && TASK.test(content) && TASK_MATERIAL.test(content);
}
