/** Implements OpenAI's Responses API with the events of a text or function-call answer. */
import { asArray, asRecord, asText } from '../json.ts';
import { upstreamWords } from './behaviour.ts';
import { chatWire } from './openai-chat.ts';
import { encodeJson, textTokens, type AnswerPlan, type ModelRequest } from './plan.ts';
import type { Frame, Wire } from './wire.ts';

export const responsesWire: Wire = {
  read: readResponsesRequest,
  refuse: (body) => (asArray(asRecord(body)['input']).length === 0 ? "Missing 'input'" : undefined),
  frames: responsesFrames,
  whole: (plan) => responseJson(plan, status(plan), [...doneItems(plan)]),
  errorFrame: () =>
    sse('error', {
      sequence_number: 99,
      error: { type: 'server_error', code: 'server_error', message: `Failed (${upstreamWords})` },
    }),
  errorBody: (code, message) => chatWire('openai').errorBody(code, message),
};

function readResponsesRequest(body: unknown): ModelRequest {
  const request = asRecord(body);
  const items = asArray(request['input']).map(asRecord);
  const lastUser = items.findLastIndex((item) => item['role'] === 'user');
  const after = items.slice(lastUser + 1);
  // Parallel calls of one step are followed by their outputs; a step ends after its outputs.
  const steps = after.filter(
    (item, index) =>
      item['type'] === 'function_call_output' &&
      after[index + 1]?.['type'] !== 'function_call_output',
  );
  return {
    model: asText(request['model']),
    stream: request['stream'] === true,
    lastUserText: itemText(items[lastUser] ?? {}),
    stepsDone: steps.length,
    promptCharacters: items.reduce((sum, item) => sum + itemText(item).length, 0),
    wantsUsage: true,
  };
}

function itemText(item: Record<string, unknown>): string {
  const { content } = item;
  if (typeof content === 'string') return content;
  return asArray(content)
    .map((part) => asText(asRecord(part)['text']))
    .join('');
}

function* responsesFrames(plan: AnswerPlan): Generator<Frame> {
  let sequence = 0;
  const frame = (kind: Frame['kind'], type: string, data: object): Frame => ({
    kind,
    text: sse(type, { sequence_number: sequence++, ...data }),
  });
  const opening = { response: responseJson(plan, 'in_progress', []) };
  yield frame('open', 'response.created', opening);
  yield frame('open', 'response.in_progress', opening);
  for (const [index, item] of items(plan).entries()) {
    const place = { output_index: index, item_id: item.id };
    yield frame('open', 'response.output_item.added', { output_index: index, item: item.added });
    if (item.part) yield frame('open', item.part.added, { ...place, ...item.part.data });
    for (const piece of item.pieces) {
      yield frame('token', item.delta, { ...place, ...item.part?.data, delta: piece });
    }
    if (plan.finishReason === undefined) return;
    yield frame('finish', 'response.output_item.done', { output_index: index, item: item.done() });
  }
  if (plan.finishReason === undefined) return;
  const type = status(plan) === 'completed' ? 'response.completed' : 'response.incomplete';
  yield frame('finish', type, { response: responseJson(plan, status(plan), [...doneItems(plan)]) });
}

interface OutputItem {
  id: string;
  added: object;
  part?: { added: string; data: object };
  delta: string;
  pieces: Iterable<string>;
  done: () => object;
}

function items(plan: AnswerPlan): OutputItem[] {
  const all: OutputItem[] = [];
  if (plan.reasoning.length > 0) all.push(reasoningItem(plan));
  for (const call of plan.toolCalls) {
    const head = { id: `fc_${call.id}`, type: 'function_call', call_id: call.id, name: call.name };
    all.push({
      id: head.id,
      added: { ...head, status: 'in_progress', arguments: '' },
      delta: 'response.function_call_arguments.delta',
      pieces: call.argumentPieces,
      done: () => ({ ...head, status: 'completed', arguments: call.argumentPieces.join('') }),
    });
  }
  if (plan.toolCalls.length === 0) all.push(messageItem(plan));
  return all;
}

function reasoningItem(plan: AnswerPlan): OutputItem {
  const head = { id: `rs_${plan.id}`, type: 'reasoning' };
  return {
    id: head.id,
    added: { ...head, summary: [] },
    part: { added: 'response.reasoning_summary_part.added', data: { summary_index: 0 } },
    delta: 'response.reasoning_summary_text.delta',
    pieces: plan.reasoning,
    done: () => ({ ...head, summary: [{ type: 'summary_text', text: plan.reasoning.join('') }] }),
  };
}

function messageItem(plan: AnswerPlan): OutputItem {
  const head = { id: `msg_${plan.id}`, type: 'message', role: 'assistant' };
  const part = (text: string) => ({ type: 'output_text', text, annotations: [] });
  return {
    id: head.id,
    added: { ...head, status: 'in_progress', content: [] },
    part: { added: 'response.content_part.added', data: { content_index: 0, part: part('') } },
    delta: 'response.output_text.delta',
    pieces: textTokens(plan),
    done: () => ({ ...head, status: 'completed', content: [part(plan.text.join(''))] }),
  };
}

function* doneItems(plan: AnswerPlan): Generator<object> {
  for (const item of items(plan)) yield item.done();
}

function status(plan: AnswerPlan): 'completed' | 'incomplete' {
  const { finishReason } = plan;
  return finishReason === 'length' || finishReason === 'content_filter'
    ? 'incomplete'
    : 'completed';
}

function responseJson(plan: AnswerPlan, state: string, output: object[]) {
  const reason = plan.finishReason === 'length' ? 'max_output_tokens' : plan.finishReason;
  const ended = state !== 'in_progress' && plan.usageScript !== 'missing';
  return {
    id: `resp_${plan.id}`,
    object: 'response',
    created_at: plan.created,
    model: plan.model,
    status: state,
    error: null,
    incomplete_details: state === 'incomplete' ? { reason } : null,
    output,
    usage: ended ? usageJson(plan) : null,
  };
}

function usageJson(plan: AnswerPlan) {
  return {
    input_tokens: plan.usage.input,
    input_tokens_details: { cached_tokens: plan.usage.cached ?? 0 },
    output_tokens: plan.usage.output,
    output_tokens_details: { reasoning_tokens: plan.usage.reasoning },
    total_tokens: plan.usage.total,
  };
}

function sse(type: string, data: object): string {
  return `event: ${type}\ndata: ${encodeJson({ type, ...data })}\n\n`;
}
