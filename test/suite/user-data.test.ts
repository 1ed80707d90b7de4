/**
 * A user's data: all of it in a file, and all of it deleted for good, whatever happens meanwhile.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asRecord } from '../support/json.ts';
import { runSql, findInDatabase } from '../support/whole-database.ts';
import { FORM_TYPE, formOf } from './files-client.ts';
import { bearer, startIdentityServer, type IdentityServer } from './identity.ts';
import { aProblem } from './shapes.ts';
import { suiteTarget, unique } from './target.ts';

const { runtime } = suiteTarget();
let server: IdentityServer;
beforeAll(async () => {
  server = await startIdentityServer(runtime, {
    LIMIT_REQUESTS_PER_MINUTE: '100000',
    MODEL_PRICES: JSON.stringify(
      ['openai/*', 'offline/*'].map((model) => ({
        model,
        from: '2025-01-01',
        input: 2,
        output: 10,
      })),
    ),
  });
}, 200_000);
afterAll(() => server.close());

interface Line {
  type: string;
  cursor?: string;
  value?: Record<string, unknown>;
}

function linesOf(text: string): Line[] {
  expect(text.endsWith('\n')).toBe(true);
  // Looked at by the tests.
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

async function exported(user: string, as: string, query = ''): Promise<Line[]> {
  const answer = await server.call(`/users/${user}/export${query}`, { as });
  expect(answer.status, answer.text).toBe(200);
  return linesOf(answer.text);
}

/** A user with something in every table, all of it with a word that nothing else has. */
async function newUser() {
  const user = unique('owner');
  const word = `w${unique('x').replaceAll(/\W/gu, '')}`;
  const key = await server.key({ user });
  const call = (path: string, json?: object, method?: string) =>
    server.call<Record<string, unknown>>(path, { as: key, json, ...(method && { method }) });
  const begun = await call('/conversations', {
    ...{ message: `${word} one`, model: 'offline', instructions: word },
  });
  const id = String(begun.json['conversation_id']);
  await call(`/conversations/${id}/messages`, { message: `${word} two`, model: 'offline' });
  await call(`/conversations/${id}/messages`, {
    ...{ message: `${word} beside`, model: 'offline', parent_message_id: null },
  });
  await call('/documents', { text: `# ${word}\n\nThe ${word} is kept.`, title: word });
  await call('/documents', { text: `Only here: ${word}`, conversation_id: id });
  await call('/conversations', { message: `What about ${word}?`, mode: 'rag', model: 'offline' });
  const limits = { json: { turns_at_once: 9, tokens_per_day: null, cost_per_month: 12.5 } };
  await server.call(`/users/${user}/limits`, { as: server.admin, method: 'PUT', ...limits });
  await server.call('/tickets', { as: key, json: {} });
  const file = await server.call('/files', {
    as: key,
    rawBody: formOf({ content: `In a file: ${word}`, name: `${word}.txt`, type: 'text/plain' }),
    headers: { 'content-type': FORM_TYPE },
  });
  expect(file.status, file.text).toBe(200);
  return { user, word, key, id, call };
}

describe('the export', () => {
  it('has all of the user, each with its own, and nothing of another', async () => {
    const other = await newUser();
    const { user, word, key, id } = await newUser();
    const lines = await exported(user, key);
    expect(lines[0]).toEqual({
      type: 'export',
      value: { user_id: user, format: 'parley-user-data', version: 1, at: expect.any(String) },
    });
    expect(lines.at(-1)).toEqual({ type: 'end' });
    const of = (type: string) =>
      lines.filter((line) => line.type === type).map(({ value }) => value ?? {});
    expect(of('limits')).toEqual([
      { user_id: user, turns_at_once: 9, tokens_per_day: null, cost_per_month: 12.5 },
    ]);
    expect(
      of('credential')
        .map(({ kind }) => String(kind))
        .toSorted(),
    ).toEqual(['key', 'ticket']);
    expect(of('conversation')).toHaveLength(2);
    expect(of('conversation')).toContainEqual(
      expect.objectContaining({ id, user_id: user, instructions: word, mode: 'open' }),
    );
    // All branches: three questions with their answers, and the one of the other conversation.
    const messages = of('message').filter(({ conversation_id }) => conversation_id === id);
    expect(messages.map(({ sequence_number }) => sequence_number)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(messages.filter(({ parent_id }) => parent_id === null)).toHaveLength(2);
    expect(messages[0]).toMatchObject({ role: 'user', content: `${word} one` });
    expect(of('turn')).toHaveLength(4);
    expect(of('document').map(({ text }) => String(text).includes(word))).toEqual([true, true]);
    expect(of('chunk').length).toBeGreaterThanOrEqual(2);
    expect(of('usage').length).toBeGreaterThanOrEqual(4);
    expect(of('file')).toMatchObject([{ user_id: user, name: `${word}.txt` }]);
    const [piece] = of('file_piece');
    expect(Buffer.from(String(piece?.['bytes']), 'base64').toString()).toBe(`In a file: ${word}`);
    const text = JSON.stringify(lines);
    expect(text).toContain(word);
    for (const hidden of [other.user, other.word, key, 'hash":"']) {
      expect(text.replaceAll('content_hash":"', '')).not.toContain(hidden);
    }
  });

  it('goes on after any line, and gives the same lines', async () => {
    const { user, key } = await newUser();
    const whole = (await exported(user, key)).slice(1);
    for (const [at, { cursor }] of whole.entries()) {
      if (cursor === undefined) continue;
      expect(await exported(user, key, `?cursor=${cursor}`)).toEqual(whole.slice(at + 1));
    }
  });

  it.each(['x', 'WyJtZXNzYWdlIl0', 'WyJub25lIiwieCJd', '%00', 'bnVsbA'])(
    'refuses a cursor that it has not given out: %s',
    async (cursor) => {
      const user = unique('owner');
      const answer = await server.call(`/users/${user}/export?cursor=${cursor}`, {
        as: server.admin,
      });
      expect(answer.json).toMatchObject(aProblem(400, 'invalid_cursor'));
    },
  );

  it('gives a cursor of another user nothing of that user', async () => {
    const [mine, theirs] = [await newUser(), await newUser()];
    // The first line of each type: the cursors of a type differ by an id alone.
    const lines = await exported(theirs.user, theirs.key);
    const firsts = new Map(lines.toReversed().map(({ type, cursor }) => [type, cursor]));
    for (const cursor of [...firsts.values()].filter((each) => each !== undefined)) {
      const text = JSON.stringify(await exported(mine.user, mine.key, `?cursor=${cursor}`));
      expect(text).not.toContain(theirs.word);
      expect(text).not.toContain(theirs.user);
    }
  });

  it('the export of a user who has nothing is a first and a last line', async () => {
    const lines = await exported(unique('nobody'), server.admin);
    expect(lines.map(({ type }) => type)).toEqual(['export', 'end']);
  });
});

async function erase(user: string, as: string) {
  return server.call<Record<string, unknown>>(`/users/${user}/data`, { as, method: 'DELETE' });
}

describe('the deletion', () => {
  it('leaves no row with the user or its words, and others as they were', async () => {
    const other = await newUser();
    const before = (await exported(other.user, other.key)).slice(1);
    const { user, word } = await newUser();
    const used = await server.call(`/usage?user_id=${user}`, { as: server.admin });
    expect(asRecord(asRecord(used.json)['total'])['turns']).toBe(4);
    const { databaseUrl } = server.server;
    expect((await findInDatabase(databaseUrl, word)).length).toBeGreaterThan(10);
    const answer = await erase(user, server.admin);
    expect(answer.json).toEqual({ user_id: user, status: 'deleted' });
    expect(await findInDatabase(databaseUrl, user)).toEqual([]);
    expect(await findInDatabase(databaseUrl, word)).toEqual([]);
    expect((await exported(other.user, other.key)).slice(1)).toEqual(before);
    const again = await erase(user, server.admin);
    expect(again.json).toEqual({ user_id: user, status: 'deleted' });
  });

  it('keeps what the calls of models cost, without saying whose they were', async () => {
    const { user, id } = await newUser();
    const { databaseUrl } = server.server;
    const entries = async (sought: string) =>
      (await findInDatabase(databaseUrl, sought)).filter(({ table }) => table === 'ledger');
    const turns = (await exported(user, server.admin)).filter(({ type }) => type === 'turn');
    expect(await entries(id)).not.toEqual([]);
    await erase(user, server.admin);
    for (const { value } of turns) expect(await entries(String(value?.['id']))).not.toEqual([]);
    expect(await entries(id)).toEqual([]);
  });

  it('ends the user’s keys, and cancels what runs', async () => {
    const { user, key } = await newUser();
    const name = unique('model');
    server.upstream.script(name, { tokens: ['a ', 'b '], fault: { how: 'stall', afterTokens: 1 } });
    const json = { message: 'Go on for ever', model: `openai/${name}` };
    const stream = await server.stream('/conversations', { as: key, json });
    await stream.next('message.delta');
    const answer = await erase(user, server.admin);
    expect(answer.json).toMatchObject({ status: 'deleted' });
    const { events } = await stream.collect();
    expect(events.map(({ type }) => type)).toContain('turn.cancelled');
    expect((await server.call('/conversations', { as: key })).status).toBe(401);
    expect(await findInDatabase(server.server.databaseUrl, user)).toEqual([]);
  });

  it('lets a user begin anew, and finds new documents', async () => {
    const { user, word } = await newUser();
    await erase(user, server.admin);
    const key = await server.key({ user });
    const call = (path: string, json: object) => server.call(path, { as: key, json });
    const empty = await call('/retrieve', { query: word });
    expect(asRecord(empty.json)['results']).toEqual([]);
    await call('/documents', { text: `The new ${word} is green` });
    const { json } = await call('/retrieve', { query: word });
    expect(asRecord(json)['results']).toMatchObject([{ text: `The new ${word} is green` }]);
  });

  it('the deletion by the user itself keeps what limits count, to the end of the month', async () => {
    const { user, word, key } = await newUser();
    const answer = await erase(user, key);
    expect(answer.json).toEqual({
      ...{ user_id: user, status: 'deleted' },
      usage_kept_until: expect.stringMatching(/^\d{4}-\d\d-01T00:00:00.000Z$/u),
    });
    const { databaseUrl } = server.server;
    expect(await findInDatabase(databaseUrl, word)).toEqual([]);
    const kept = await findInDatabase(databaseUrl, user);
    const tables = [...new Set(kept.map(({ table }) => table))].toSorted();
    expect(tables).toEqual(['erasures', 'ledger', 'user_limits']);
    expect((await server.call('/conversations', { as: key })).status).toBe(401);
    // The month is over, and somebody sweeps.
    const over = `UPDATE erasures SET due_at = 0, keeps_usage_until = 0 WHERE user_id = '${user}'`;
    await runSql(databaseUrl, over);
    await server.server.restart();
    const left = () => findInDatabase(databaseUrl, user);
    await nudge();
    await expect.poll(left, { timeout: 60_000, interval: 500 }).toEqual([]);
  }, 120_000);

  it('is gone on with by the next process when its own is killed', async () => {
    const { user, word, id } = await newUser();
    const { databaseUrl } = server.server;
    await addMessages(databaseUrl, id, word, MANY_MESSAGES);
    const broken = erase(user, server.admin).catch(() => undefined);
    const some = `SELECT count(*) AS n FROM messages WHERE conversation_id = '${id}'`;
    const messages = async () => Number((await runSql(databaseUrl, some))[0]?.['n']);
    await expect.poll(messages, { timeout: 60_000, interval: 5 }).toBeLessThan(MANY_MESSAGES);
    await server.server.kill();
    await broken;
    expect(await messages()).toBeGreaterThan(0);
    expect((await findInDatabase(databaseUrl, user)).map(({ table }) => table)).toContain(
      'erasures',
    );
    await server.server.restart({ TURN_LEASE_MS: '1000' });
    const left = async () => {
      await nudge();
      const stored = await findInDatabase(databaseUrl, user);
      return [...stored, ...(await findInDatabase(databaseUrl, word))].length;
    };
    await expect.poll(left, { timeout: 90_000, interval: 1_000 }).toBe(0);
  }, 200_000);

  it('the deletion of nobody’s data is no error', async () => {
    const user = unique('nobody');
    expect((await erase(user, server.admin)).json).toEqual({ user_id: user, status: 'deleted' });
  });
});

/** Enough that their deletion can be killed in the middle. */
const MANY_MESSAGES = 20_000;

/** Adds so many messages with a word to a conversation, past its path. */
async function addMessages(databaseUrl: string, id: string, word: string, count: number) {
  await runSql(
    databaseUrl,
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
      INSERT INTO messages (id, conversation_id, role, status, sequence_number, parts, text_length, created_at)
      SELECT 'many-' || '${id}' || i, '${id}', 'user', 'complete', 1000 + i,
        '{"type":"text","text":"${word}"}', 5, 0 FROM n`,
  );
}

/** On Workers nothing runs by itself but the platform's clock: this is what it calls. */
async function nudge(): Promise<void> {
  if (runtime === 'node') return;
  const url = `${server.server.url}/cdn-cgi/local/scheduled`;
  const answer = await fetch(url, { headers: bearer(server.admin) });
  expect(answer.status).toBe(200);
}
