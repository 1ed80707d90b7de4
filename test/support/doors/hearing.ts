/** What the clients of each wire make of its events: the text, and how the answer ended. */
import { asArray, asRecord, asText, parseJson } from '../json.ts';

/** An event of any wire: that of an event stream, or a frame of a socket. */
export interface WireEvent {
  type: string;
  data: string;
}

export interface Heard {
  text: string;
  /** How the wire says that the answer ended; `cut` for one that it calls interrupted. */
  ending: 'whole' | 'stopped' | 'failed' | 'cut' | undefined;
  /** The wire's own mark of the end came, after which its clients expect nothing. */
  isOver: boolean;
}

/** Reads all events of a stream so far. */
export type Hearing = (events: readonly WireEvent[]) => Heard;

type Said = Partial<Heard>;
type Reading = (event: Record<string, unknown>, given: WireEvent) => Said;

/** Adds up what each event says. @throws Error for two endings in one stream */
export function hearing(read: Reading): Hearing {
  return (events) => {
    const heard: Heard = { text: '', ending: undefined, isOver: false };
    for (const event of events) {
      const said = read(asRecord(parseJson(event.data)), event);
      if (said.ending && heard.ending) throw new Error(`a second ending: ${event.data}`);
      if (said.text && heard.ending) throw new Error(`text after the ending: ${event.data}`);
      heard.text += said.text ?? '';
      heard.ending ??= said.ending;
      heard.isOver ||= (said.isOver ?? false) || event.data === '[DONE]';
    }
    return heard;
  };
}

const NATIVE = {
  'turn.completed': 'whole',
  'turn.cancelled': 'stopped',
  'turn.failed': 'failed',
} as const;

export const native = hearing((json, { type }) => {
  if (type === 'message.delta') return { text: asText(json['text']) };
  const status = asText(asRecord(json['message'])['status']);
  if (type === 'turn.failed' && status === 'interrupted') return { ending: 'cut' };
  return type in NATIVE ? { ending: NATIVE[type as keyof typeof NATIVE] } : {};
});

export const uiMessages = hearing((json) => {
  const type = asText(json['type']);
  if (type === 'text-delta') return { text: asText(json['delta']) };
  if (type === 'abort') return { ending: 'stopped' };
  if (type === 'error') return { ending: 'failed' };
  if (type !== 'finish') return {};
  return { ending: json['finishReason'] === 'interrupted' ? 'cut' : 'whole' };
});

export const completions = hearing((json) => {
  const error = asRecord(json['error']);
  if (error['code'] !== undefined)
    return { ending: error['code'] === 'turn_cancelled' ? 'stopped' : 'failed' };
  const choice = asRecord(asArray(json['choices'])[0]);
  const text = asText(asRecord(choice['delta'])['content']);
  return typeof choice['finish_reason'] === 'string' ? { text, ending: 'whole' } : { text };
});

export const responses = hearing((json, { type }) => {
  if (type === 'response.output_text.delta') return { text: asText(json['delta']) };
  if (type === 'response.failed' || type === 'error') return { ending: 'failed' };
  if (type === 'response.completed') return { ending: 'whole' };
  if (type !== 'response.incomplete') return {};
  const response = asRecord(json['response']);
  return { ending: response['status'] === 'cancelled' ? 'stopped' : 'whole' };
});

/** The same events as the frames of a socket, which has no other mark of the end. */
export const responseFrames: Hearing = (events) => {
  const heard = responses(events);
  return { ...heard, isOver: heard.ending !== undefined };
};

export const anthropic = hearing((json, { type }) => {
  if (type === 'message_stop') return { ending: 'whole', isOver: true };
  if (type === 'error') {
    const isStopped = asText(asRecord(json['error'])['message']).includes('stopped');
    return { ending: isStopped ? 'stopped' : 'failed', isOver: true };
  }
  return { text: asText(asRecord(json['delta'])['text']) };
});

export const agUi = hearing((json) => {
  const type = asText(json['type']);
  if (type === 'TEXT_MESSAGE_CHUNK') return { text: asText(json['delta']) };
  if (type === 'RUN_ERROR') return { ending: 'failed', isOver: true };
  if (type !== 'RUN_FINISHED') return {};
  const outcome = asRecord(json['outcome'])['type'];
  return { ending: outcome === 'cancelled' ? 'stopped' : 'whole', isOver: true };
});

/** Its end says only that nothing follows, and a line break of any kind is one of its own. */
export const durable = hearing((json, { type, data }) => {
  if (type === 'data') return { text: data };
  return json['streamClosed'] === true ? { ending: 'whole', isOver: true } : {};
});

export const frames = hearing((json, { type }) => {
  if (type === 'chunk') return { text: asText(json['content']) };
  const isOver = true;
  if (type === 'message_complete')
    return { ending: json['status'] === 'cancelled' ? 'stopped' : 'whole', isOver };
  if (type !== 'error') return {};
  return { ending: json['status'] === 'interrupted' ? 'cut' : 'failed', isOver };
});

/** The chunks in the frames of the AI SDK's socket. */
export const uiFrames: Hearing = (events) => {
  const chunks = events.flatMap(({ type, data }) => {
    if (type === 'end') return [{ type: 'message', data: '[DONE]' }];
    const chunk = asRecord(parseJson(data))['chunk'];
    return type === 'chunk' ? [{ type: 'message', data: JSON.stringify(chunk) }] : [];
  });
  return uiMessages(chunks);
};
