import {
  invalidUtf8Token,
  type Behaviour,
  type ScriptedToolCall,
  type UsageScript,
} from './behaviour.ts';

/** A request, in one form for all services. */
export interface ModelRequest {
  model: string;
  stream: boolean;
  lastUserText: string;
  /** The number of tool steps after the last user message. */
  stepsDone: number;
  /** The length of all text sent to the model, for counting. */
  promptCharacters: number;
  /** True if the client requested usage in the stream (`stream_options.include_usage`). */
  wantsUsage: boolean;
}

export interface PlannedToolCall {
  id: string;
  name: string;
  input: unknown;
  /** The JSON of the arguments in pieces, possibly cut off. */
  argumentPieces: string[];
}

export interface Usage {
  input: unknown;
  output: unknown;
  total: unknown;
  reasoning: number;
  cached?: number;
  written?: number;
}

/** One answer, decided before its first byte and independent of a service's format. */
export interface AnswerPlan {
  id: string;
  model: string;
  /** Seconds since 1970. */
  created: number;
  reasoning: string[];
  text: string[];
  infinite: boolean;
  toolCalls: PlannedToolCall[];
  finishReason: 'stop' | 'length' | 'content_filter' | 'tool_calls' | undefined;
  usage: Usage;
  usageScript: UsageScript;
  wantsUsage: boolean;
  doneMarker: boolean;
}

/** Characters per token in the prompt's count: a round number, so that tests can compute it. */
const charactersPerToken = 4;

let answers = 0;

export function planAnswer(request: ModelRequest, behaviour: Behaviour): AnswerPlan {
  const toolCalls = (behaviour.toolCalls?.[request.stepsDone] ?? []).map((call, index) =>
    planToolCall(call, `call_${request.stepsDone}_${index}`),
  );
  const text = toolCalls.length > 0 ? [] : answerTokens(request, behaviour);
  const reasoning = behaviour.reasoning ?? [];
  const finishReason = behaviour.finishReason ?? (toolCalls.length > 0 ? 'tool_calls' : 'stop');
  const counted = {
    input: Math.ceil(request.promptCharacters / charactersPerToken),
    output:
      text.length +
      reasoning.length +
      toolCalls.reduce((sum, call) => sum + call.argumentPieces.length, 0),
  };
  const usageScript = behaviour.usage ?? 'normal';
  return {
    id: `upstream-${++answers}`,
    model: behaviour.answersAs ?? request.model,
    created: Math.floor(Date.now() / 1000),
    reasoning,
    text,
    infinite: behaviour.infinite ?? false,
    toolCalls,
    finishReason: finishReason === 'none' ? undefined : finishReason,
    usage: { ...planUsage(usageScript, counted), reasoning: reasoning.length },
    usageScript,
    wantsUsage: request.wantsUsage,
    doneMarker: behaviour.doneMarker ?? true,
  };
}

/** Returns the plan's text tokens, without end when it is infinite. */
export function* textTokens(plan: AnswerPlan): Generator<string> {
  do yield* plan.text;
  while (plan.infinite && plan.text.length > 0);
}

function answerTokens(request: ModelRequest, behaviour: Behaviour): string[] {
  const echo = `You said: ${Array.from(request.lastUserText).slice(0, 200).join('')}`;
  const tokens = [...(behaviour.tokens ?? cutText(behaviour.text ?? echo, behaviour.cut))];
  const { fault } = behaviour;
  if (fault?.how === 'invalid-utf8') tokens.splice(fault.afterTokens ?? 0, 0, invalidUtf8Token);
  return tokens;
}

/** Cuts a text into tokens that join to the same text. */
export function cutText(text: string, cut: Behaviour['cut'] = 'words'): string[] {
  if (cut === 'words') return text.match(/\s*\S+|\s+$/gu) ?? [];
  if (cut === 'characters') return Array.from(text);
  const pieces: string[] = [];
  for (let at = 0; at < text.length; at += cut) pieces.push(text.slice(at, at + cut));
  return pieces;
}

function planToolCall(call: ScriptedToolCall, defaultId: string): PlannedToolCall {
  const whole = JSON.stringify(call.input);
  const sent = call.cutArgumentsAt === undefined ? whole : whole.slice(0, call.cutArgumentsAt);
  return {
    id: call.id ?? defaultId,
    name: call.name,
    input: call.input,
    argumentPieces: cutText(sent, 8),
  };
}

/** Returns the usage. `NaN` is written as a bare NaN, as some servers do; see `encodeJson`. */
function planUsage(script: UsageScript, counted: { input: number; output: number }) {
  if (typeof script === 'object') return { ...script, total: undefined };
  switch (script) {
    case 'negative':
      return { input: -5, output: -7, total: -12 };
    case 'nan':
      return { input: Number.NaN, output: Number.NaN, total: Number.NaN };
    case 'null':
      return { input: null, output: null, total: null };
    case 'text':
      return { input: '12', output: 'many', total: '' };
    case 'fractional':
      return { input: 1.5, output: 2.25, total: 3.75 };
    case 'huge':
      return { input: 1e300, output: 2 ** 60, total: 1e300 };
    default:
      return { ...counted, total: counted.input + counted.output };
  }
}

/** Encodes JSON in which NaN stays NaN (which makes it invalid JSON). */
export function encodeJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    Number.isNaN(inner) ? '\u{F8FE}NaN' : inner,
  ).replaceAll('"\u{F8FE}NaN"', 'NaN');
}
