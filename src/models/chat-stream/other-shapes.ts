/**
 * Events of services that speak a wire of their own, which proxies hand on as they are where a chat
 * completion was asked for. Text, thoughts, the finish and counts are read; calls of tools are not,
 * since whoever hands on such a wire has not handed on our tools either.
 */
import type { ChatEvent } from './chat-event.ts';
import { numberOf, recordOf, textOf, type JsonRecord } from '../../core/json.ts';
import { usageIn, type ChatUsage } from './usage.ts';

type Said = Partial<Pick<ChatEvent, 'thought' | 'text' | 'finish' | 'usage'>>;

/** Returns what an event without choices says; undefined for one of no known shape. */
export function readOtherShape(value: JsonRecord): ChatEvent | undefined {
  const said = saidIn(value);
  if (!said) return undefined;
  const nothing = { thought: '', text: '', refusal: '', finish: '', usage: undefined };
  return { ...nothing, toolCalls: [], isWhole: false, ...said };
}

function saidIn(value: JsonRecord): Said | undefined {
  const { type } = value;
  if (typeof type === 'string') return OF_TYPES[type]?.(value);
  if (typeof value['response'] === 'string') return workersAi(value);
  if (typeof value['done'] === 'boolean') return ollama(value);
  if (typeof value['stop'] === 'boolean') return llamaCpp(value);
  return typeof recordOf(value['token'])['text'] === 'string' ? textGeneration(value) : undefined;
}

/** Anthropic's events and Cohere's, which each say their type. */
const OF_TYPES: Record<string, (value: JsonRecord) => Said> = {
  message_start: ({ message }) => ({ usage: usageIn(recordOf(message)['usage']) }),
  content_block_delta({ delta }) {
    const { text, thinking } = recordOf(delta);
    return { text: textOf(text), thought: textOf(thinking) };
  },
  message_delta: ({ delta, usage }) => ({
    finish: textOf(recordOf(delta)['stop_reason']),
    usage: usageIn(usage),
  }),
  'content-delta'({ delta }) {
    const { text, thinking } = recordOf(recordOf(recordOf(delta)['message'])['content']);
    return { text: textOf(text), thought: textOf(thinking) };
  },
  'message-end'({ delta }) {
    const { finish_reason: finish, usage } = recordOf(delta);
    return { finish: textOf(finish), usage: usageIn(recordOf(usage)['tokens']) };
  },
};

/**
 * Cloudflare's; the last of its events has the counts. Ollama's for prompts says when it is done.
 */
function workersAi(value: JsonRecord): Said {
  if (typeof value['done'] === 'boolean') return ollama(value);
  const usage = usageIn(value['usage']);
  return { text: textOf(value['response']), usage, finish: usage ? 'stop' : '' };
}

function ollama(value: JsonRecord): Said {
  const { content, thinking } = recordOf(value['message']);
  return {
    text: textOf(content) || textOf(value['response']),
    thought: textOf(thinking) || textOf(value['thinking']),
    finish: value['done'] === true ? textOf(value['done_reason']) || 'stop' : '',
    usage: countsOf(value['prompt_eval_count'], value['eval_count']),
  };
}

function llamaCpp(value: JsonRecord): Said {
  const { content, stop, stop_type: kind } = value;
  const finish = kind === 'limit' || value['stopped_limit'] === true ? 'length' : 'stop';
  return {
    text: textOf(content),
    finish: stop === true ? finish : '',
    usage:
      stop === true ? countsOf(value['tokens_evaluated'], value['tokens_predicted']) : undefined,
  };
}

/** Hugging Face's Text Generation Inference; the last of its events repeats the whole text. */
function textGeneration({ token, details, generated_text: whole }: JsonRecord): Said {
  const { text, special } = recordOf(token);
  const {
    finish_reason: finish,
    input_length: input,
    generated_tokens: output,
  } = recordOf(details);
  const isOver = typeof whole === 'string';
  return {
    text: special === true ? '' : textOf(text),
    finish: textOf(finish) || (isOver ? 'stop' : ''),
    usage: countsOf(input, output),
  };
}

function countsOf(input: unknown, output: unknown): ChatUsage | undefined {
  return usageIn({ prompt_tokens: numberOf(input), completion_tokens: numberOf(output) });
}
