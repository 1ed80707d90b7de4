/** Asks a chat model whose service sends given bytes, on the way that the product takes. */
import type { LanguageModelV4FinishReason } from '@ai-sdk/provider';
import { createRegistry } from '../../../../src/models/chat/registry.ts';
import type { HttpFetch } from '../../../../src/models/http.ts';
import { followParts, type ModelPart } from '../../../../src/models/part-stream.ts';
import { serviceErrorOf } from '../../../../src/models/service-error.ts';

export interface Heard {
  thought: string;
  text: string;
  calls: { id: string; name: string; input: string }[];
  finish: LanguageModelV4FinishReason['unified'] | undefined;
  usage: [input: number | undefined, output: number | undefined];
  /** The status of a reported error, or the error's name. */
  error: number | string | undefined;
}

export interface Asking {
  body: string;
  provider: 'openai' | 'groq' | 'google';
  fastPath: boolean;
  /** Bytes of a piece; all at once unless given. */
  size?: number;
  /** What the connection does after the body. */
  after?: 'end' | 'break' | 'hold';
  contentType?: string;
  settleMs?: number;
}

/** A network whose every answer is the body, in pieces: to the tap, or to a reader. */
function networkOf({ body, size = Infinity, after = 'end', contentType }: Asking): HttpFetch {
  const bytes = Buffer.from(body);
  const headers = { 'content-type': contentType ?? 'text/event-stream' };
  return (_input, _init, tap) => {
    if (!tap || contentType) return Promise.resolve(new Response(bytes, { headers }));
    for (let from = 0; from < bytes.length; from += size) {
      if (tap.isDone) break;
      tap.push(bytes.subarray(from, Math.min(from + size, bytes.length)));
    }
    if (after === 'end') tap.end();
    if (after === 'break') tap.fail(new Error('reset'));
    return new Promise(() => undefined);
  };
}

/** Returns what an engine would hear of the answer. */
export async function askModel(asking: Asking): Promise<Heard> {
  const { provider, fastPath, settleMs = 20 } = asking;
  const service = { apiKey: 'key', baseURL: 'http://127.0.0.1/v1' };
  const registry = createRegistry({
    openai: service,
    groq: service,
    google: service,
    network: networkOf(asking),
    fastPath,
    settleMs,
  });
  const model = await registry.resolve(`${provider}/m`)[0].load();
  return hear(async (onPart) => {
    const prompt = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'Hi' }] }];
    const { stream } = await model.doStream({ prompt });
    await followParts(stream, onPart);
  });
}

/** Gathers the parts up to the first error, as the engine does. */
export async function hear(ask: (onPart: (part: ModelPart) => void) => Promise<void>) {
  const heard: Heard = {
    thought: '',
    text: '',
    calls: [],
    finish: undefined,
    usage: [undefined, undefined],
    error: undefined,
  };
  try {
    await ask((part) => heard.error ?? take(part, heard));
  } catch (error) {
    heard.error ??= nameOf(error);
  }
  return heard;
}

function take(part: ModelPart, heard: Heard): void {
  if (part.type === 'text-delta') heard.text += part.delta;
  if (part.type === 'reasoning-delta') heard.thought += part.delta;
  if (part.type === 'tool-call')
    heard.calls.push({ id: part.toolCallId, name: part.toolName, input: part.input });
  if (part.type === 'finish') {
    heard.finish = part.finishReason.unified;
    heard.usage = [part.usage.inputTokens.total, part.usage.outputTokens.total];
  }
  if (part.type === 'error') heard.error = nameOf(part.error);
}

function nameOf(error: unknown): number | string {
  const said = serviceErrorOf(error);
  if (said) return said.status ?? 'unknown';
  return error instanceof Error ? error.name : 'unknown';
}
