/** The messages of a chat completion, and the history that they are. */
import { z } from '@hono/zod-openapi';
import type { History } from '../../actions/place-history.ts';
import { invalid } from '../../core/errors.ts';
import type { Exchange, Question, QuestionFile } from '../../core/exchange.ts';
import type { Json } from '../../core/parts.ts';
import { clean, cleanJson } from '../../core/safe-text.ts';
import { waitingCalls, type ToolCall } from '../../core/tool-calls.ts';
import { base64File, fileAt } from '../shared/given-file.ts';
import { answerAt } from '../shared/history-of-items.ts';
import * as schemas from '../shared/schemas.ts';

const contentPart = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  image_url: z.union([z.string(), z.looseObject({ url: z.string() })]).optional(),
  input_audio: z.looseObject({ data: z.string(), format: z.string().max(20) }).optional(),
  file: z
    .looseObject({
      file_data: z.string().optional(),
      file_id: z.string().max(200).optional(),
      filename: z.string().max(1_000).optional(),
    })
    .optional(),
});

const call = z.looseObject({
  id: z.string().min(1).max(200),
  type: z.literal('function').optional(),
  function: z.looseObject({ name: z.string().min(1).max(64), arguments: z.string() }),
});

export const completionMessage = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
  content: z.union([z.string(), z.array(contentPart)]).nullish(),
  tool_calls: z.array(call).nullish(),
  tool_call_id: z.string().nullish(),
  // Of older clients, and of answers that were spoken.
  function_call: z.null().optional(),
  audio: z.null().optional(),
});

export type CompletionMessage = z.output<typeof completionMessage>;

/** The longest results of a question, in UTF-16 units. */
const LONGEST_RESULTS = 200_000;

/**
 * Returns the history in a list of messages. Messages of one side that follow each other are one
 * message.
 * @throws ParleyError `invalid_request` for a history that does not end with the user or a tool
 */
export function historyIn(messages: readonly CompletionMessage[]): History {
  const exchanges: Exchange[] = [];
  for (const given of messages) {
    if (given.role === 'user') addQuestion(exchanges, questionIn(given));
    else if (given.role === 'tool') addResult(exchanges, given);
    else if (given.role === 'assistant') addAnswer(exchanges, given);
  }
  const last = exchanges.pop();
  if (!last || last.answer !== null)
    throw invalid('messages', 'the last message must be the user’s, or a tool’s');
  return { before: exchanges, ...checkedQuestion(last) };
}

function questionIn(given: CompletionMessage): Question {
  const files = filesIn(given);
  return { question: textOf(given, FILE_PARTS), ...(files.length > 0 ? { files } : {}) };
}

function addQuestion(exchanges: Exchange[], asked: Question): void {
  const last = exchanges.at(-1);
  if (last?.answer !== null) {
    exchanges.push({ ...asked, answer: null });
    return;
  }
  last.question = [last.question, asked.question].filter(Boolean).join('\n\n');
  if (asked.files) last.files = [...(last.files ?? []), ...asked.files];
}

function addAnswer(exchanges: Exchange[], given: CompletionMessage): void {
  const answer = answerAt(exchanges);
  const [said] = answer;
  const text = textOf(given);
  if (said?.type === 'text') said.text = `${said.text}\n\n${text}`;
  else if (text !== '') answer.unshift({ type: 'text', text });
  answer.push(...callsIn(given));
}

function addResult(exchanges: Exchange[], given: CompletionMessage): void {
  const id = given.tool_call_id ?? '';
  const last = exchanges.at(-1);
  const exchange = last?.answer === null ? last : { question: '', answer: null };
  const caller = exchanges.at(exchange === last ? -2 : -1);
  if (caller && !isWaiting(id, caller, exchange))
    throw invalid('messages', `no call before it is answered by the result of ${id || 'a tool'}`);
  if (exchange !== last) exchanges.push(exchange);
  const output = textOf(given);
  (exchange.results ??= []).push({ type: 'tool_result', tool_call_id: id, output });
}

function isWaiting(id: string, { answer }: Exchange, { results = [] }: Exchange): boolean {
  const isAnswered = results.some(({ tool_call_id: other }) => other === id);
  return !isAnswered && waitingCalls(answer ?? []).some((made) => made.tool_call_id === id);
}

function callsIn({ tool_calls: calls }: CompletionMessage): ToolCall[] {
  return (calls ?? []).map(({ id, function: { name, arguments: input } }) => ({
    type: 'tool_call',
    tool_call_id: clean(id),
    name: clean(name),
    input: parsed(input),
  }));
}

/** Returns the input of a call; one that is no JSON stays a text. */
function parsed(text: string): Json {
  try {
    const input: Json = JSON.parse(text === '' ? '{}' : text);
    return cleanJson(input);
  } catch {
    return clean(text);
  }
}

function checkedQuestion({ question, results, files }: Exchange): Question {
  if (JSON.stringify(results ?? []).length > LONGEST_RESULTS)
    throw invalid('messages', `results must be at most ${LONGEST_RESULTS} characters together`);
  if ((results ?? files) && question === '') return { question, results, files };
  const { data, error } = schemas.messageText.safeParse(question);
  if (error)
    throw invalid('messages', `the last message ${error.issues[0]?.message ?? 'is invalid'}`);
  return { question: data, results, files };
}

/** The parts of a user's message that are files. */
const FILE_PARTS = ['image_url', 'input_audio', 'file'];

function partsOf({ content }: CompletionMessage): z.output<typeof contentPart>[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : (content ?? []);
}

function filesIn(given: CompletionMessage): QuestionFile[] {
  return partsOf(given).flatMap((part) => {
    if (!FILE_PARTS.includes(part.type)) return [];
    const file = fileIn(part);
    if (!file) throw invalid('messages', `a part of type ${part.type} holds no file`);
    return [file];
  });
}

function fileIn(part: z.output<typeof contentPart>): QuestionFile | undefined {
  const { type, image_url: image, input_audio: audio, file } = part;
  const path = 'messages';
  const url = typeof image === 'string' ? image : image?.url;
  if (type === 'image_url' && url !== undefined)
    return { key: url, attachment: fileAt(url, { path }) };
  if (type === 'input_audio' && audio) {
    const said = { path, name: `audio.${audio.format}`, type: `audio/${audio.format}` };
    return { key: audio.data, attachment: base64File(audio.data, said) };
  }
  if (type !== 'file' || !file) return undefined;
  const { file_data: data, file_id, filename: name } = file;
  if (file_id !== undefined) return { key: file_id, attachment: { file_id } };
  if (data === undefined) return undefined;
  // Some send the base64 alone.
  const isUrl = /^data:/i.test(data);
  const attachment = isUrl ? fileAt(data, { path, name }) : base64File(data, { path, name });
  return { key: data, attachment };
}

/** Returns the text of a message. @param others the types of parts that may stand beside it */
export function textOf(given: CompletionMessage, others: readonly string[] = []): string {
  const parts = partsOf(given).filter(({ type }) => !others.includes(type));
  const other = parts.find(({ type }) => type !== 'text' && type !== 'refusal');
  if (other) throw invalid('messages', `a part of type ${other.type} is not supported here`);
  return clean(parts.map(({ text = '' }) => text).join('\n'));
}
