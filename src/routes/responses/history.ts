/** A history that a client sends whole, without ids of ours. */
import type { History } from '../../actions/place-history.ts';
import { invalid } from '../../core/errors.ts';
import type { Exchange } from '../../core/exchange.ts';
import type { Part } from '../../core/parts.ts';
import { waitingCalls, type ToolResult } from '../../core/tool-calls.ts';
import { checkResults, questionOf, type InputItem } from './input.ts';

type Asked = Extract<InputItem, { kind: 'question' }>;

/**
 * Returns the history that the items are: exchanges, then a question, or results of calls.
 * @throws ParleyError `invalid_request` for one that ends with the assistant, or whose results
 *   answer no call
 */
export function historyIn(items: readonly InputItem[]): History {
  const exchanges: Exchange[] = [];
  for (const item of items) {
    if (item.kind === 'question') addQuestion(exchanges, item);
    else if (item.kind === 'answer') addAnswer(exchanges, item.parts);
    else if (item.kind === 'result') addResult(exchanges, item.part);
  }
  const last = exchanges.pop();
  if (!last || last.answer !== null)
    throw invalid('input', 'input: the last item must be the user’s, or a result of a call');
  const { question, results, files } = last;
  checkResults(results ?? []);
  const isMore = (results ?? files) !== undefined;
  const said = isMore && question === '' ? '' : questionOf([question]);
  return { before: exchanges, question: said, results, files };
}

function addQuestion(exchanges: Exchange[], { text, files }: Asked): void {
  const last = exchanges.at(-1);
  if (last?.answer !== null) {
    exchanges.push({ question: text, ...(files ? { files } : {}), answer: null });
    return;
  }
  last.question = [last.question, text].filter(Boolean).join('\n\n');
  if (files) last.files = [...(last.files ?? []), ...files];
}

/** A greeting before the first question is left out: no model is sent one. */
function addAnswer(exchanges: Exchange[], parts: readonly Part[]): void {
  const last = exchanges.at(-1);
  if (!last || parts.length === 0) return;
  const answer = (last.answer ??= []);
  const said = answer.at(-1);
  for (const part of parts)
    if (part.type === 'text' && said?.type === 'text') said.text = `${said.text}\n\n${part.text}`;
    else answer.push({ ...part });
}

function addResult(exchanges: Exchange[], part: Part): void {
  if (part.type !== 'tool_result')
    throw invalid('input', 'input: an approval needs previous_response_id or a conversation');
  const last = exchanges.at(-1);
  const exchange = last?.answer === null ? last : { question: '', answer: null };
  const caller = exchanges.at(exchange === last ? -2 : -1);
  if (!caller || !isWaiting(part, caller, exchange)) {
    const id = part.tool_call_id;
    throw invalid('input', `input: no call before it is answered by the result of ${id}`);
  }
  if (exchange !== last) exchanges.push(exchange);
  (exchange.results ??= []).push(part);
}

function isWaiting(
  { tool_call_id: id }: ToolResult,
  { answer }: Exchange,
  { results = [] }: Exchange,
): boolean {
  const isAnswered = results.some(({ tool_call_id: other }) => other === id);
  return !isAnswered && waitingCalls(answer ?? []).some((call) => call.tool_call_id === id);
}
