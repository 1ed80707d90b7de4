/**
 * Histories as clients send them that know no ids: the whole conversation with each request. What
 * tells one from another is a hash of it.
 */
import { canonicalJson } from './canonical-json.ts';
import type { Attachment } from './file.ts';
import { contentOf, type Part } from './parts.ts';
import { sha256 } from './sha256.ts';
import { waitingCalls, type ToolResult } from './tool-calls.ts';

/** The input of an exchange: a message of the user's, results of calls, or both. */
export interface Question {
  /** The text; empty where there are results alone, and before a greeting. */
  question: string;
  /** Results of the calls that the answer before ended with. */
  results?: ToolResult[];
  files?: QuestionFile[];
}

/** A file of a question, and what tells it from others: as the client sends it each time. */
export interface QuestionFile {
  key: string;
  attachment: Attachment;
}

/** A question and the answer to it; null where the client has none. */
export interface Exchange extends Question {
  answer: Part[] | null;
}

/** The end of a history before its question, by hashes. */
export interface HistoryEnd {
  /** Of the history up to its last question that was answered, see {@link historyHashes}. */
  question: string;
  /** Of the answer to that, see {@link answerHash}. */
  answer: string;
}

/**
 * Tells whether the first exchange of a history is a greeting: what the assistant said before
 * anybody asked anything.
 */
export function isGreeting(first: Question | undefined): boolean {
  return first?.question === '' && !first.results && !first.files;
}

/** Returns what a history has after its greeting, if it has one. */
export function withoutGreeting<Said extends Question>(history: readonly Said[]): readonly Said[] {
  return isGreeting(history[0]) ? history.slice(1) : history;
}

/** Returns the parts of a question, as they are stored. */
export function questionParts({ question, results = [] }: Question): Part[] {
  return question === '' ? results : [...results, { type: 'text', text: question }];
}

/**
 * Returns the hashes of a history: for each exchange, of everything up to its question. Each takes
 * in the one before. Questions count as they are; of answers only the words and the calls that the
 * client answers, since clients trim them and leave out what a model thought.
 * @param owner whose history it is: the same words of another user are another history
 */
export async function historyHashes(
  owner: string,
  exchanges: readonly Exchange[],
): Promise<string[]> {
  const hashes: string[] = [];
  let before = owner;
  let answered: unknown = '';
  for (const { answer, ...question } of exchanges) {
    before = await sha256(JSON.stringify([before, answered, keyOf(question)]));
    hashes.push(before);
    answered = answerKey(answer ?? []);
  }
  return hashes;
}

function keyOf({ question, results = [], files = [] }: Question) {
  if (results.length === 0 && files.length === 0) return question;
  const told = results.map(({ tool_call_id, output }) => [tool_call_id, canonicalJson(output)]);
  return files.length === 0 ? [question, told] : [question, told, files.map(({ key }) => key)];
}

/** Returns what two answers have in common that are the same to a client, as JSON. */
export function answerKey(parts: readonly Part[]) {
  const words = wordsOf(contentOf(parts));
  const calls = waitingCalls(parts);
  if (calls.length === 0) return words;
  return [
    words,
    calls.map(({ tool_call_id: id, name, input }) => [id, name, canonicalJson(input)]),
  ];
}

/** Returns a hash of what two answers have in common that are the same to a client. */
export function answerHash(parts: readonly Part[]): Promise<string> {
  return sha256(JSON.stringify(answerKey(parts)));
}

/** The marks of thoughts that clients keep within the text of an answer. */
const THOUGHTS = [
  { begins: '<details type="reasoning"', ends: '</details>' },
  { begins: '<think>', ends: '</think>' },
];

/** Returns the words of an answer, without thoughts and whatever white space lies between them. */
export function wordsOf(answer: string): string {
  return THOUGHTS.reduce(without, answer).replace(/\s+/gu, ' ').trim();
}

/** Returns a text without what stands between two marks; a first mark alone is left as it is. */
function without(text: string, { begins, ends }: (typeof THOUGHTS)[number]): string {
  const kept: string[] = [];
  let at = 0;
  for (;;) {
    const start = text.indexOf(begins, at);
    const end = start < 0 ? -1 : text.indexOf(ends, start);
    if (end < 0) return [...kept, text.slice(at)].join(' ');
    kept.push(text.slice(at, start));
    at = end + ends.length;
  }
}
