/** Answers one request for a model as its behaviour says, on any wire. */
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { asRecord } from '../json.ts';
import { upstreamWords, type Behaviour, type Instead, type RawAnswer } from './behaviour.ts';
import { BodyOver, BodyWriter } from './body-writer.ts';
import { compressWhole, type Compression, encodingOf } from './compression.ts';
import { encodeJson, planAnswer, type AnswerPlan } from './plan.ts';
import type { RecordedRequest } from './recorded-request.ts';
import type { Wire } from './wire.ts';

export interface Exchange {
  wire: Wire;
  behaviour: Behaviour;
  record: RecordedRequest;
  response: ServerResponse;
  /** The number of earlier requests for this model. */
  count: number;
}

/** Answers with text, tool calls or a failure; never throws for what the client does. */
export async function answerModel(exchange: Exchange): Promise<void> {
  const { wire, behaviour, record } = exchange;
  try {
    if (refused(exchange) || (await failedInstead(exchange))) return;
    if (behaviour.raw) return await sendRaw(exchange, behaviour.raw);
    const plan = planAnswer(wire.read(record.body, record.path), behaviour);
    record.usage = plan.usage;
    if (record.stream) await stream(exchange, plan);
    else await whole(exchange, plan);
  } catch (error) {
    if (!(error instanceof BodyOver)) throw error;
  }
}

function refused(exchange: Exchange): boolean {
  const { field, code, body } = exchange.behaviour.refuses ?? {};
  if (!field || !code || !(field in asRecord(exchange.record.body))) return false;
  send(exchange, { code, type: 'application/json', body: body ?? '' });
  return true;
}

async function sendRaw(exchange: Exchange, raw: RawAnswer): Promise<void> {
  const { behaviour, record, response } = exchange;
  record.status = 200;
  response.writeHead(200, { 'content-type': raw.contentType ?? 'text/event-stream' });
  const writer = new BodyWriter(response, behaviour, record);
  await writer.write(raw.body);
  if (raw.after === 'reset') await writer.breakOff({ how: 'reset' });
  if (raw.after === 'hold') await writer.breakOff({ how: 'stall' });
  response.end();
}

/** The failures that come before any answer; true when one was sent. Shared with embeddings. */
export async function failedInstead(exchange: Exchange): Promise<boolean> {
  const { wire, behaviour, record, response, count } = exchange;
  const { status, instead } = behaviour;
  if (behaviour.holdAt === 'head') await new BodyWriter(response, behaviour, record).hold();
  await waitForHeaders(behaviour, record);
  if (record.gone.aborted) return true;
  if (status && count < (status.times ?? Infinity)) {
    const words = `${status.code} on purpose (${upstreamWords})`;
    const html = `<!doctype html><html><head><title>${words}</title></head><body><h1>${words}</h1></body></html>`;
    const asHtml = status.code >= 500 && status.body === undefined && !status.contentType;
    const json = JSON.stringify(wire.errorBody(status.code, words, status.retryAfter));
    send(exchange, {
      code: status.code,
      type: status.contentType ?? (asHtml ? 'text/html' : 'application/json'),
      body: status.body ?? (asHtml ? html : json),
      compressed: behaviour.compressed,
      headers: {
        ...(status.retryAfter !== undefined && { 'retry-after': String(status.retryAfter) }),
        ...status.headers,
      },
    });
    return true;
  }
  if (instead) {
    await answerInstead(exchange, instead);
    return true;
  }
  const refusal = wire.refuse(record.body);
  if (refusal === undefined) return false;
  const body = JSON.stringify(wire.errorBody(400, refusal));
  send({ response, record }, { code: 400, type: 'application/json', body });
  return true;
}

export function send(
  { response, record }: Pick<Exchange, 'response' | 'record'>,
  answer: {
    code: number;
    type: string;
    body: string;
    headers?: Record<string, string>;
    compressed?: Compression;
  },
): void {
  const { code, type, compressed } = answer;
  const body = compressed ? compressWhole(answer.body, compressed) : Buffer.from(answer.body);
  record.status = code;
  record.bytesWritten += body.length;
  response.writeHead(code, {
    'content-type': type,
    ...(compressed && { 'content-encoding': encodingOf(compressed) }),
    ...answer.headers,
  });
  response.end(body);
}

async function waitForHeaders(behaviour: Behaviour, record: RecordedRequest): Promise<void> {
  const { headersDelayMs = 0 } = behaviour;
  if (headersDelayMs === 0) return;
  await sleep(headersDelayMs, undefined, { signal: record.gone }).catch(() => undefined);
}

async function answerInstead(exchange: Exchange, instead: Instead): Promise<void> {
  const { wire, behaviour, record, response } = exchange;
  const words = `Failed on purpose (${upstreamWords})`;
  switch (instead) {
    case 'json-error':
      return send(exchange, {
        code: 200,
        type: 'application/json',
        body: JSON.stringify(wire.errorBody(500, words)),
      });
    case 'html':
      return send(exchange, { code: 200, type: 'text/html', body: `<html>${words}</html>` });
    case 'empty':
      return send(exchange, { code: 200, type: 'text/event-stream', body: '' });
    case 'close':
    case 'reset':
      record.brokenByUs = true;
      if (instead === 'close') response.socket?.end();
      else response.socket?.resetAndDestroy();
      return;
    case 'headers-only':
      openStream(exchange);
      return new BodyWriter(response, behaviour, record).breakOff({ how: 'stall' });
    case 'hang':
      return new BodyWriter(response, behaviour, record).breakOff({ how: 'stall' });
  }
}

async function whole(
  { wire, behaviour, record, response }: Exchange,
  plan: AnswerPlan,
): Promise<void> {
  const writer = new BodyWriter(response, behaviour, record);
  if (typeof behaviour.holdAt === 'number') await writer.hold();
  await writer.wait(behaviour.delayMs?.first ?? 0);
  const body = encodeJson(wire.whole(plan));
  record.tokensWritten = plan.text.length;
  if (behaviour.fault === undefined) {
    const { compressed } = behaviour;
    return send({ response, record }, { code: 200, type: 'application/json', body, compressed });
  }
  writeHead({ behaviour, record, response }, 'application/json');
  await writer.write(body);
  await writer.finish();
  response.end();
}

function openStream(exchange: Exchange): void {
  writeHead(exchange, 'text/event-stream; charset=utf-8');
  exchange.response.flushHeaders();
}

function writeHead(
  { behaviour, record, response }: Pick<Exchange, 'behaviour' | 'record' | 'response'>,
  type: string,
): void {
  const { compressed } = behaviour;
  record.status = 200;
  response.writeHead(200, {
    'content-type': type,
    ...(compressed && { 'content-encoding': encodingOf(compressed) }),
  });
}

async function stream(exchange: Exchange, plan: AnswerPlan): Promise<void> {
  const { wire, behaviour, record, response } = exchange;
  const writer = new BodyWriter(response, behaviour, record);
  const pace = new Pace(behaviour, writer);
  openStream(exchange);
  for (const { kind, text } of wire.frames(plan)) {
    const faultNow =
      kind !== 'open' && behaviour.fault?.afterTokens === record.tokensWritten && !pace.faultDone;
    if (kind !== 'open' && behaviour.holdAt === record.tokensWritten) await pace.hold();
    if (kind === 'token') await pace.beforeToken();
    if (kind === 'end' && behaviour.endDelayMs) await pace.pause(behaviour.endDelayMs);
    const broken = faultNow && (await pace.fault(wire));
    await pace.add(broken ? breakJson(text) : text, kind === 'token');
    if (kind === 'token') record.tokensWritten += 1;
  }
  await pace.flush();
  await writer.finish();
  const { fault } = behaviour;
  if (fault && (fault.atEnd || fault.atByte === record.bytesWritten)) await writer.breakOff(fault);
  response.end();
}

/** Half a frame with a whole frame's ending: JSON that cannot be parsed. */
function breakJson(frame: string): string {
  const ending = frame.endsWith('\r\n\r\n') ? '\r\n\r\n' : '\n\n';
  return frame.slice(0, Math.ceil((frame.length - ending.length) / 2)) + ending;
}

/** Gathers frames into network writes, with the delays and the fault between them. */
class Pace {
  faultDone = false;
  private readonly behaviour: Behaviour;
  private readonly writer: BodyWriter;
  private readonly perWrite: number;
  private waiting: string[] = [];
  private tokensWaiting = 0;
  private isFirst = true;
  /** The due time of the previous token, on the clock of `performance.now()`. */
  private due: number | undefined;

  constructor(behaviour: Behaviour, writer: BodyWriter) {
    this.behaviour = behaviour;
    this.writer = writer;
    const { burst = 1, infinite } = behaviour;
    const whole = infinite ? 100 : Infinity;
    this.perWrite = typeof burst === 'number' ? burst : burst ? whole : 1;
  }

  async beforeToken(): Promise<void> {
    const { first = 0, between = 0 } = this.behaviour.delayMs ?? {};
    const ms = this.isFirst ? first : between;
    this.isFirst = false;
    if (ms === 0) return;
    this.due = (this.due ?? performance.now()) + ms;
    await this.pause(Math.max(0, this.due - performance.now()));
  }

  async hold(): Promise<void> {
    await this.flush();
    await this.writer.hold();
    this.due = undefined;
  }

  /** In a burst the time passes too, but what waits is kept together. */
  async pause(ms: number): Promise<void> {
    if (this.perWrite === 1) await this.flush();
    await this.writer.wait(ms);
  }

  /** True when the coming frame is to be broken; does not return when the body ends here. */
  async fault(wire: Wire): Promise<boolean> {
    const { fault } = this.behaviour;
    if (fault === undefined || fault.how === 'invalid-utf8') return false;
    this.faultDone = true;
    this.due = undefined;
    if (fault.how === 'malformed') return true;
    await this.flush();
    if (fault.how === 'corrupt') {
      await this.writer.corrupt();
      return false;
    }
    if (fault.how === 'error') await this.writer.write(wire.errorFrame());
    await this.writer.breakOff(fault.how === 'error' ? { how: 'eof' } : fault);
    return false;
  }

  async add(text: string, isToken: boolean): Promise<void> {
    this.waiting.push(text);
    if (isToken) this.tokensWaiting += 1;
    if (this.perWrite === 1 || this.tokensWaiting >= this.perWrite) await this.flush();
  }

  async flush(): Promise<void> {
    const text = this.waiting.join('');
    this.waiting = [];
    this.tokensWaiting = 0;
    if (text !== '') await this.writer.write(text);
  }
}
