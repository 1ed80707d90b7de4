/** Histories that clients send whole, as lists of what was said by turns. */
import type { History } from '../../actions/place-history.ts';
import { invalid } from '../../core/errors.ts';
import type { Exchange, QuestionFile } from '../../core/exchange.ts';
import type { Part } from '../../core/parts.ts';
import { waitingCalls, type ToolResult } from '../../core/tool-calls.ts';
import * as schemas from './schemas.ts';

/** Something that was said. */
export type SaidItem =
  | { kind: 'question'; text: string; files?: QuestionFile[] }
  /**
   * A result of a call, or a word on whether one may run. Its files go with the message that it is
   * in.
   */
  | { kind: 'result'; part: Part; files?: QuestionFile[] }
  /** Something that the assistant said. */
  | { kind: 'answer'; parts: Part[] };

/** The output of a result that is a file alone: some services refuse an empty one. */
const FILES_FOLLOW = 'The result is in the files that follow.';

/** Returns a result as an item, with the files that came in it. */
export function resultItem(result: ToolResult, files: QuestionFile[]) {
  if (files.length === 0) return { kind: 'result' as const, part: result };
  const output = result.output === '' ? FILES_FOLLOW : result.output;
  return { kind: 'result' as const, part: { ...result, output }, files };
}

type Asked = Extract<SaidItem, { kind: 'question' }>;
type Answered = Extract<SaidItem, { kind: 'result' }>;

/**
 * Returns the history that the items are: exchanges, then a question, or results of calls.
 * @param field the field of the request that they are in, for errors
 * @throws ParleyError `invalid_request` for one that ends with the assistant, or whose results
 *   answer no call
 */
export function historyIn(
  items: readonly (SaidItem | { kind: 'instructions' })[],
  field: string,
): History {
  const exchanges: Exchange[] = [];
  for (const item of items) {
    if (item.kind === 'question') addQuestion(exchanges, item);
    else if (item.kind === 'answer') addAnswer(exchanges, item.parts);
    else if (item.kind === 'result') addResult(exchanges, item, field);
  }
  const last = exchanges.pop();
  if (!last || last.answer !== null)
    throw invalid(field, `${field}: the last item must be the user’s, or a result of a call`);
  const { question, results, files } = last;
  checkResults(results ?? [], field);
  const isMore = (results ?? files) !== undefined;
  const said = isMore && question === '' ? '' : questionOf([question], field);
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

/** Returns the answer at the end of exchanges: a greeting where nothing was asked before it. */
export function answerAt(exchanges: Exchange[]): Part[] {
  if (exchanges.length === 0) exchanges.push({ question: '', answer: [] });
  const last = exchanges.at(-1);
  return last ? (last.answer ??= []) : [];
}

function addAnswer(exchanges: Exchange[], parts: readonly Part[]): void {
  if (parts.length === 0) return;
  const answer = answerAt(exchanges);
  const said = answer.at(-1);
  for (const part of parts)
    if (part.type === 'text' && said?.type === 'text') said.text = `${said.text}\n\n${part.text}`;
    else answer.push({ ...part });
}

function addResult(exchanges: Exchange[], { part, files }: Answered, field: string): void {
  if (part.type !== 'tool_result')
    throw invalid(field, `${field}: an approval needs the id of what asked for it`);
  const last = exchanges.at(-1);
  const exchange = last?.answer === null ? last : { question: '', answer: null };
  const caller = exchanges.at(exchange === last ? -2 : -1);
  if (!caller || !isWaiting(part, caller, exchange)) {
    const id = part.tool_call_id;
    throw invalid(field, `${field}: no call before it is answered by the result of ${id}`);
  }
  if (exchange !== last) exchanges.push(exchange);
  if (files) exchange.files = [...(exchange.files ?? []), ...files];
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

/** The longest results of a message, in UTF-16 units of JSON. */
const LONGEST_RESULTS = 200_000;

/** Checks the results of calls in a message. @throws ParleyError `invalid_request` */
export function checkResults(results: readonly Part[], field: string): void {
  if (JSON.stringify(results).length <= LONGEST_RESULTS) return;
  throw invalid(field, `${field}: results must be at most ${LONGEST_RESULTS} characters together`);
}

/** Returns one question of what the user said. @throws ParleyError `invalid_request` */
export function questionOf(said: readonly string[], field: string): string {
  const parsed = schemas.messageText.safeParse(said.join('\n\n'));
  if (parsed.success) return parsed.data;
  throw invalid(field, `${field}: what is new ${parsed.error.issues[0]?.message ?? 'is invalid'}`);
}
