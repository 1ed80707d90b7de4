/** Reading a turn's text as a durable stream, with the protocol's own client. */
import { stream, type LiveMode } from '@durable-streams/client';
import { describe, expect, it } from 'vitest';
import { aProblem } from './shapes.ts';
import { suiteTarget, unique } from './target.ts';
import { conversation, hear, scripted, storedMessages } from './turns.ts';

const target = suiteTarget();
const WORDS = ['One\n', 'two ', 'naïve ', '😀 ', 'five ', 'six ', 'seven ', 'eight'];

/** Begins a turn that says half of its words until `goOn`, and tells where its text is read. */
async function speaking(script: object = {}, message = 'hi') {
  const { model, name } = await scripted(target, { tokens: WORDS, holdAt: 4, ...script });
  const user = unique('user');
  const id = await conversation(target, { user_id: user });
  const path = `/conversations/${id}/messages`;
  const asked = await target.stream(path, { method: 'POST', json: { message, model } });
  const turn = String(asked.headers['x-turn-id']);
  const goOn = () => target.upstream.release(name);
  return { user, id, turn, heard: hear(asked), goOn, url: `${target.url}/streams/turns/${turn}` };
}

async function finished(script: object = {}) {
  const turn = await speaking(script);
  await turn.goOn();
  await turn.heard;
  return turn;
}

/**
 * Reads with the client, which goes on until the stream is closed; `end` rejects when it is not.
 * The client may hand out the last text after that.
 */
async function read(url: string, live: LiveMode, offset?: string) {
  const response = await stream({ url, live, offset });
  const heard = { text: '', offset: offset ?? '-1' };
  response.subscribeText((chunk) => {
    heard.text += chunk.text;
    heard.offset = chunk.offset;
  });
  return { heard, response, end: response.closed };
}

describe.each<{ live: LiveMode; name: string }>([
  { live: 'long-poll', name: 'by waiting' },
  { live: 'sse', name: 'by server-sent events' },
])('the client that reads $name', ({ live }) => {
  it('follows a running turn to its end', async () => {
    const { url, id, heard, goOn } = await speaking();
    const { response, end, heard: told } = await read(url, live);
    await expect.poll(() => told.text).not.toBe('');
    await goOn();
    await end;
    await expect.poll(() => told.text).toBe(WORDS.join(''));
    expect(response.streamClosed).toBe(true);
    expect((await storedMessages(target, id)).at(-1)?.content).toBe(WORDS.join(''));
    await heard;
  });

  it('goes on at the offset that it was given', async () => {
    const { url, heard, goOn } = await speaking();
    const first = await read(url, live);
    await expect.poll(() => first.heard.text).toBe(WORDS.slice(0, 4).join(''));
    const { text, offset } = first.heard;
    first.response.cancel();
    await first.end;
    const rest = await read(url, live, offset);
    await goOn();
    await rest.end;
    await expect.poll(() => text + rest.heard.text).toBe(WORDS.join(''));
    await heard;
  });

  it('is told that a turn has failed, after all that it said', async () => {
    const script = { holdAt: 2, fault: { how: 'reset', afterTokens: 4 } };
    const { url, heard, goOn } = await speaking(script);
    const { response, end, heard: told } = await read(url, live);
    await expect.poll(() => told.text).not.toBe('');
    await goOn();
    await expect(end).rejects.toThrow();
    expect(told.text).toBe((await heard).text);
    expect(response.streamClosed).toBe(false);
    const { status, json } = await target.call(
      `${url.slice(target.url.length)}?offset=${told.offset}`,
    );
    expect([status, json]).toEqual([410, expect.objectContaining({ code: 'model_unavailable' })]);
  });
});

describe('a turn that is over', () => {
  it('is read at once and says that it is closed', async () => {
    const { url, turn } = await finished();
    const whole = await fetch(url);
    expect(await whole.text()).toBe(WORDS.join(''));
    expect(Object.fromEntries(whole.headers)).toMatchObject({
      'content-type': expect.stringMatching(/^text\/plain/u),
      'stream-next-offset': 'end',
      'stream-up-to-date': 'true',
      'stream-closed': 'true',
      'x-turn-id': turn,
      'cache-control': 'private, no-cache',
    });
    const tag = String(whole.headers.get('etag'));
    expect((await fetch(url, { headers: { 'if-none-match': tag } })).status).toBe(304);
  });

  it('has nothing after its end', async () => {
    const { url } = await finished();
    const rest = await fetch(`${url}?offset=end`);
    expect([rest.status, await rest.text()]).toEqual([200, '']);
    expect(rest.headers.get('stream-closed')).toBe('true');
    const polled = await fetch(`${url}?offset=end&live=long-poll`);
    expect(polled.status).toBe(204);
    expect(polled.headers.get('stream-closed')).toBe('true');
    const now = await fetch(`${url}?offset=now&live=sse`);
    expect(await now.text()).toBe(
      'event: control\ndata: {"streamNextOffset":"end","upToDate":true,"streamClosed":true}\n\n',
    );
  });

  it('keeps every character of its text', async () => {
    const tokens = ['a\r', '\nb\r\n', '\rc ', '\u2028 d', '"e"\\'];
    const { url } = await finished({ tokens });
    expect(await (await fetch(url)).text()).toBe(tokens.join(''));
  });
});

it('tells where the text ends so far, without the text', async () => {
  const { url, heard, goOn } = await speaking();
  const head = await fetch(url, { method: 'HEAD' });
  expect(head.headers.get('stream-next-offset')).toMatch(/^\d{4}_\d{10}$/u);
  expect(head.headers.get('stream-closed')).toBeNull();
  expect(head.headers.get('cache-control')).toBe('no-store');
  await goOn();
  await heard;
});

it.each([
  ['an offset of nobody', 'offset=later', 400, 'invalid_cursor'],
  ['a way to wait that does not exist', 'offset=-1&live=carrier', 400, 'invalid_request'],
  ['a parameter that does not exist', 'ofset=-1', 400, 'invalid_request'],
  ['another user', 'user_id=somebody-else', 404, 'not_found'],
])('refuses %s', async (_, query, status, code) => {
  const { turn } = await finished();
  const refused = await target.call(`/streams/turns/${turn}?${query}`);
  expect(refused.status).toBe(status);
  expect(refused.json).toMatchObject(aProblem(status, code));
});
