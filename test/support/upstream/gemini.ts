/**
 * Implements Gemini's generateContent: parts, thought parts, usage in every chunk, CRLF between
 * events, no end marker.
 */
import { asArray, asRecord, asText } from '../json.ts';
import { upstreamWords } from './behaviour.ts';
import { encodeJson, textTokens, type AnswerPlan, type ModelRequest } from './plan.ts';
import type { Frame, Wire } from './wire.ts';

const finishReasons = {
  stop: 'STOP',
  tool_calls: 'STOP',
  length: 'MAX_TOKENS',
  content_filter: 'SAFETY',
};

const statusWords: Record<number, string> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  429: 'RESOURCE_EXHAUSTED',
  503: 'UNAVAILABLE',
};

export const geminiWire: Wire = {
  read: readGeminiRequest,
  refuse: (body) =>
    asArray(asRecord(body)['contents']).length === 0 ? 'contents is not specified' : undefined,
  frames: geminiFrames,
  whole: (plan) => response(plan, wholeParts(plan), { finished: true }),
  errorFrame: () => sse(errorBody(503, `The model is overloaded (${upstreamWords})`)),
  errorBody,
};

function readGeminiRequest(body: unknown, path: string): ModelRequest {
  const contents = asArray(asRecord(body)['contents']).map(asRecord);
  const lastUser = contents.findLastIndex(
    (content) => content['role'] === 'user' && partsText(content) !== '',
  );
  const steps = contents
    .slice(lastUser + 1)
    .filter((content) =>
      asArray(content['parts']).some((part) => 'functionCall' in asRecord(part)),
    );
  const system = partsText(asRecord(asRecord(body)['systemInstruction']));
  return {
    model: decodeURIComponent(/\/models\/(.+):/u.exec(path)?.[1] ?? ''),
    stream: path.includes(':streamGenerateContent'),
    lastUserText: partsText(contents[lastUser] ?? {}),
    stepsDone: steps.length,
    promptCharacters: contents.reduce(
      (sum, content) => sum + partsText(content).length,
      system.length,
    ),
    wantsUsage: true,
  };
}

function partsText(content: Record<string, unknown>): string {
  return asArray(content['parts'])
    .map((part) => asText(asRecord(part)['text']))
    .join('');
}

function* allParts(plan: AnswerPlan): Generator<object> {
  for (const piece of plan.reasoning) yield { text: piece, thought: true };
  for (const { id, name, input } of plan.toolCalls)
    yield { functionCall: { id, name, args: input } };
  for (const token of textTokens(plan)) yield { text: token };
}

/** Returns the parts of an answer that is not streamed; thoughts and text are one part each. */
function wholeParts(plan: AnswerPlan): object[] {
  return [
    ...allParts({
      ...plan,
      reasoning: joined(plan.reasoning),
      text: joined(plan.text),
      infinite: false,
    }),
  ];
}

function joined(pieces: string[]): string[] {
  return pieces.length === 0 ? [] : [pieces.join('')];
}

function* geminiFrames(plan: AnswerPlan): Generator<Frame> {
  const frame = (kind: Frame['kind'], parts: object[], finished = false): Frame => ({
    kind,
    text: sse(response(plan, parts, { finished })),
  });
  for (const part of allParts(plan)) yield frame('token', [part]);
  if (plan.finishReason === undefined) return;
  if (plan.finishReason === 'content_filter' && plan.text.length === 0) {
    // A blocked prompt gets no candidate at all.
    const promptFeedback = { blockReason: 'PROHIBITED_CONTENT' };
    yield { kind: 'finish', text: sse({ promptFeedback, usageMetadata: usageJson(plan, false) }) };
    return;
  }
  yield frame('finish', [{ text: '' }], true);
  if (plan.usageScript !== 'duplicated' && plan.usageScript !== 'late') return;
  const late = {
    usageMetadata: usageJson(plan, true),
    modelVersion: plan.model,
    responseId: plan.id,
  };
  yield { kind: 'end', text: sse(late) };
}

function response(plan: AnswerPlan, parts: object[], { finished }: { finished: boolean }) {
  const finishReason = finished && plan.finishReason && finishReasons[plan.finishReason];
  const noUsage = plan.usageScript === 'missing' || plan.usageScript === 'late';
  return {
    candidates: [
      { content: { parts, role: 'model' }, ...(finishReason && { finishReason }), index: 0 },
    ],
    ...(!noUsage && { usageMetadata: usageJson(plan, finished) }),
    modelVersion: plan.model,
    responseId: plan.id,
  };
}

/** Returns the usage. Only the last chunk counts the answer; the earlier ones count the prompt. */
function usageJson(plan: AnswerPlan, finished: boolean) {
  const { input, output, total, reasoning } = plan.usage;
  if (!finished) return { promptTokenCount: input, totalTokenCount: input };
  // Gemini counts thoughts separately from the candidates; the plan's output includes them.
  const candidates = typeof output === 'number' ? output - reasoning : output;
  return {
    promptTokenCount: input,
    candidatesTokenCount: candidates,
    totalTokenCount: total,
    ...(reasoning > 0 && { thoughtsTokenCount: reasoning }),
  };
}

function errorBody(status: number, message: string, retryAfter?: number | string) {
  const retry = {
    '@type': 'type.googleapis.com/google.rpc.RetryInfo',
    retryDelay: `${retryAfter}s`,
  };
  const details = typeof retryAfter === 'number' ? { details: [retry] } : {};
  return {
    error: { code: status, message, status: statusWords[status] ?? 'INTERNAL', ...details },
  };
}

function sse(data: unknown): string {
  return `data: ${encodeJson(data)}\r\n\r\n`;
}
