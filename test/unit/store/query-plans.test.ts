/**
 * No statement scans what it does not return. The product is put through its paces on a database
 * that writes down every statement; a look at the source makes sure that none was left out.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateSQLiteDrizzleJson, generateSQLiteMigration } from 'drizzle-kit/api';
import Libsql from 'libsql';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { forgetLeftBehind } from '../../../src/actions/forget-left-behind.ts';
import { createApp } from '../../../src/app.ts';
import { parseConfig } from '../../../src/config.ts';
import type { CredentialProof, IdentifiedUser } from '../../../src/core/principal.ts';
import { connectFile } from '../../../src/host/node/database/libsql-file.ts';
import { migrateFromFolder } from '../../../src/host/node/database/open.ts';
import { prepareOnNode } from '../../../src/host/node/prepare.ts';
import { NodeSockets } from '../../../src/host/node/websockets.ts';
import { createNodePages } from '../../../src/host/node/pages.ts';
import { readWordVectors } from '../../../src/host/node/word-vectors.ts';
import {
  embeddingsOf,
  pricesOf,
  registryOf,
  turnServiceSettingsOf,
} from '../../../src/host/services.ts';
import { networkBy } from '../../../src/models/http.ts';
import { createFileExaminer } from '../../../src/documents/examine-file.ts';
import { createOpenUrl } from '../../../src/host/node/open-url.ts';
import { newHash } from '../../../src/host/hash.ts';
import { createIngester } from '../../../src/documents/ingester.ts';
import { reindex } from '../../../src/documents/reindex.ts';
import { RememberingSearcher } from '../../../src/search/memory/searcher.ts';
import { createRetriever } from '../../../src/search/retrieve.ts';
import { releaseClaim } from '../../../src/store/turns/release-claim.ts';
import {
  addConnection,
  countConnections,
  removeConnection,
  removeInstance,
  renewConnections,
} from '../../../src/store/connections.ts';
import { recentMessages } from '../../../src/store/transcript.ts';
import { ConfirmingDatabase } from '../../../src/store/credentials/confirm.ts';
import {
  createCredential,
  listKeys,
  revokeCredential,
  revokeUser,
} from '../../../src/store/credentials/credentials.ts';
import {
  bindTicket,
  boundTurn,
  isTicketKnown,
  openSocket,
  useTicket,
} from '../../../src/store/credentials/tickets.ts';
import { USAGE_GROUPS, type LedgerEntry } from '../../../src/core/ledger.ts';
import type { Limits } from '../../../src/core/limits.ts';
import type { Part } from '../../../src/core/parts.ts';
import type { Database } from '../../../src/store/database.ts';
import { removeUnused } from '../../../src/store/files/message-files.ts';
import { extend } from '../../../src/store/limits/reserve.ts';
import type { ReserveAsk } from '../../../src/store/limits/wanted.ts';
import { setKeyLimits, setLimits } from '../../../src/store/limits/own-limits.ts';
import { StreamLimitsDatabase } from '../../../src/store/limits/stream-limits.ts';
import { resumeDraft } from '../../../src/store/documents/resume.ts';
import { failDraft, renewDraft } from '../../../src/store/documents/write-draft.ts';
import * as schema from '../../../src/store/schema.ts';
import {
  chunkCodes,
  chunks,
  chunkVectors,
  owners,
  SEARCH_TABLES,
} from '../../../src/store/search/tables.ts';
import { resumeErasures } from '../../../src/actions/erase-user.ts';
import { endAndFollow } from '../../../src/store/turns/follow-turn.ts';
import { findSteering, readSteering } from '../../../src/store/turns/steering.ts';
import { saveCheckpoints } from '../../../src/store/turns/checkpoint.ts';
import { endTurn, type Ending } from '../../../src/store/turns/end-turn.ts';
import { noteUnread, takeUnread, unreadKey } from '../../../src/store/unread-turns.ts';
import type { ClaimInput } from '../../../src/store/turns/placement.ts';
import { findAnswer } from '../../../src/store/turns/find-answer.ts';
import type { ClaimLimits } from '../../../src/store/turns/claim.ts';
import { claimTurn } from '../../../src/store/turns/claim-turn.ts';
import {
  claimToolRun,
  isAllowed,
  listPermissions,
  removePermission,
  storeToolRun,
} from '../../../src/store/turns/tool-runs.ts';
import { findTurn } from '../../../src/store/turns/read.ts';
import { requestCancel } from '../../../src/store/turns/request-cancel.ts';
import { sweep } from '../../../src/store/turns/sweep.ts';
import { LocalTurnService } from '../../../src/turns/local-turn-service.ts';
import { createToolRegistry } from '../../../src/turns/tools/registry.ts';
import { asRecord } from '../../support/json.ts';
import { noLog } from '../../support/log.ts';
import { queriesInSource, recordBuilding, sqlInSource } from './queries-in-source.ts';
import { ANYONE } from '../../../src/core/principal.ts';
import { newRunningTurn } from '../turns/running-turn.ts';
import { newClaim } from './turns/new-claim.ts';

/** Statements that may go through a table. */
const MAY_SCAN = [
  // The keys of everybody, newest first: it walks the index of keys, and stops at the end of a
  // page.
  /"credentials"."kind" = 'key' and "credentials"."revoked_at" is null\) order by/u,
  // Whether the database is there: the first row it comes to.
  /^select "id" from "conversations" limit \?$/u,
  // A row for each open socket; every heartbeat would have to rewrite an index on its time.
  /^delete from "connections" where "connections"\."heartbeat_at" </u,
  // `npm run reindex` goes through all documents and through the drafts it made: that is its work,
  // and nobody waits for it.
  /"embedding_model" is not|"document_drafts"\."embedding_model" = \?/u,
  // A migration makes the codes of all vectors that there are, once.
  /^INSERT INTO chunk_codes .*\sSELECT .* FROM chunk_vectors/su,
];

/**
 * The turns that run at this moment, all of them, for the sweep: an index on their heartbeats would
 * be rewritten by every turn when it begins, when it ends and by each heartbeat.
 */
const RUNNING_TURNS = 'SCAN turns USING INDEX turns_running';

const folder = mkdtempSync(join(tmpdir(), 'parley-plans-'));
const path = join(folder, 'parley.db');
const file = connectFile(`file:${path}`);
const statements = new Map<string, { plan: string[] }>();
const built = recordBuilding();

/** The database itself; it writes down what it is asked. */
const db: Database = {
  async batch(batch, mode, retryForMs) {
    for (const { sql } of batch) statements.set(sql, { plan: [] });
    return file.batch(batch, mode, retryForMs);
  },
  get writes() {
    return file.writes;
  },
  flush: () => file.flush(),
  close: () => file.close(),
};

afterAll(() => {
  file.close();
  rmSync(folder, { recursive: true, force: true });
});

const config = parseConfig({ AUTH: 'none' });
const embeddings = embeddingsOf(config, {
  network: networkBy(fetch),
  readWordVectors,
  log: noLog,
});
const prices = pricesOf(config);
/** One of each, so that all of them are looked at. */
const limits: Limits = {
  ...{ requests_per_minute: 999, turns_at_once: 99, streams: 99 },
  ...{ tokens_per_day: 1e9, tokens_per_month: 1e9, cost_per_month: 1e15 },
  stored_bytes: 1e12,
};
const pause = () => new Promise<void>((resolve) => setImmediate(resolve));
const memory = { mostBytes: 10_000_000, pause };
const searcher = new RememberingSearcher({ db, embeddings, log: noLog, ...memory });
const turns = new LocalTurnService({
  db,
  registry: registryOf(config, networkBy(fetch)),
  settings: { ...turnServiceSettingsOf(config), limits },
  retriever: createRetriever(searcher, embeddings),
  toolRegistry: createToolRegistry(),
  prices,
  coalesce: setImmediate,
  defer: () => undefined,
  log: noLog,
});
const dependencies = {
  config,
  db,
  registry: registryOf(config, networkBy(fetch)),
  embeddings,
  prices,
  limits,
  searcher,
  ingester: createIngester({
    ...{ db, embeddings, prices, log: noLog, leaseMs: 15_000, prepare: prepareOnNode },
    requireRoom: () => Promise.resolve(),
  }),
  files: {
    newHash,
    openUrl: createOpenUrl(),
    ...createFileExaminer({ db, prepare: prepareOnNode }),
  },
  turns,
  log: noLog,
  defer: () => undefined,
};
const app = createApp(() => ({
  ...dependencies,
  identity: undefined,
  sockets: new NodeSockets(dependencies),
  pages: createNodePages(),
  loadReading: () => import('../../../src/routes/reading/render-page.ts'),
  loopbackOnly: false,
  isReady: () => true,
  listTools: () => Promise.resolve({ tools: [], servers: [] }),
  // As on Workers: a stream that the test reads.
  sendTurn: (_, stream, headers) => new Response(stream.readable(), { headers }),
  sendWhole: (_, json, headers) => new Response(json, { headers }),
}));

type Body = Record<string, unknown>;

async function call(method: string, path: string, json?: Body, headers = {}): Promise<Body> {
  const body = json && JSON.stringify(json);
  const length = { 'content-type': 'application/json', 'content-length': String(body?.length) };
  const init = { method, body, headers: { ...(body ? length : {}), ...headers } };
  const text = await (await app.request(path, init, {})).text();
  return text.startsWith('{') ? (JSON.parse(text) as Body) : {};
}

beforeAll(async () => {
  await migrateFromFolder(db);
  // Migrations run once, some of them on columns that a later one drops.
  for (const sql of statements.keys()) if (sql.includes('`')) statements.delete(sql);
  await talk();
  await chatByNames();
  await keepDocuments();
  await keepFiles();
  await keepOrder();
  await keepCredentials();
  await leave();
  const connection = new Libsql(path);
  for (const [sql, entry] of statements) {
    if (!isQuery(sql)) continue;
    const rows = connection.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(argumentsFor(sql));
    entry.plan = rows.map((row) => String(asRecord(row)['detail']));
  }
  connection.close();
}, 120_000);

/** True for all but what the migrations say, and what is asked about them. */
function isQuery(sql: string): boolean {
  return (
    /^\s*(select|insert|update|delete|with)\b/iu.test(sql) && !sql.includes('parley_migrations')
  );
}

/** Plans do not depend on what the values are; as many as are asked for have to be there. */
function argumentsFor(sql: string): null[] {
  return Array.from(sql.replace(/'[^']*'/gu, '').matchAll(/\?/gu), () => null);
}

async function talk(): Promise<void> {
  const headers = { 'idempotency-key': 'first' };
  const { conversation_id: id } = await call('POST', '/conversations', { user_id: 'u' }, headers);
  const path = `/conversations/${String(id)}`;
  for (const key of ['a', 'b'])
    await call('POST', `${path}/messages`, { message: 'Hi' }, { 'idempotency-key': key });
  const started = { user_id: 'u', message: 'Hi', mode: 'rag' };
  const other = await call('POST', '/conversations', started);
  const turn = await call('GET', `/turns/${String(other['turn_id'])}`);
  await call('GET', `/turns/${String(turn['turn_id'])}/events`);
  await call('POST', `/turns/${String(turn['turn_id'])}/cancel`);
  await call('GET', '/limits?user_id=u');
  for (const group of USAGE_GROUPS) await call('GET', `/usage?user_id=u&group_by=${group}`);
  for (const query of ['', '&limit=1', `&limit=1&cursor=${String(id)}`])
    await call('GET', `/conversations?user_id=u${query}`);
  await call('GET', path);
  await call('GET', `${path}/messages?limit=1&cursor=1`);
  await call('GET', `${path}/stream?message=x`, undefined, { 'last-event-id': 'AAAA2.1' });
  await call('PATCH', path, { title: 't', mode: 'rag', model: 'offline', instructions: 'i' });
  await call('GET', '/health');
  await branch(path);
  await approve();
  await call('DELETE', path);
}

/** An allowed call, and what is allowed for good. */
async function approve(): Promise<void> {
  const place = { userId: 'u', conversationId: 'c' };
  const run = { approvalId: 'approval', turnId: 'turn', ...place };
  const permission = { userId: 'u', tool: 'look' };
  expect(await claimToolRun(db, run, permission)).toBeUndefined();
  await storeToolRun(db, run, { output: 1, isError: false });
  expect(await claimToolRun(db, { ...run, turnId: 'other' }, undefined)).toEqual({
    output: { output: 1, isError: false },
  });
  expect(await isAllowed(db, permission)).toBe(true);
  expect(await listPermissions(db, 'u')).toMatchObject([{ tool: 'look' }]);
  await removePermission(db, permission);
  expect(await isAllowed(db, permission)).toBe(false);
}

/** Every form of a turn, and every change to a tree. */
async function branch(path: string): Promise<void> {
  const answered = await call('POST', `${path}/messages`, { message: 'One' });
  const answer = asRecord(answered['message']);
  const [id, question] = [String(answer['id']), String(answer['parent_id'])];
  await call('POST', `/messages/${id}/regenerate`);
  await call('POST', `/messages/${question}/edit`, { message: 'Two' }, { 'idempotency-key': 'e' });
  await call('POST', `${path}/messages`, { message: 'Three', parent_message_id: id });
  await call('POST', `${path}/messages`, { message: 'Four', parent_message_id: null });
  const again = { 'idempotency-key': 'e', 'last-event-id': 'AAAA2.1' };
  await call('POST', `/messages/${question}/edit`, { message: 'Two' }, again);
  await call('GET', `${path}/messages?tree=true`);
  await call('PATCH', path, { head_message_id: id });
  await call('POST', `${path}/fork`, { message_id: id }, { 'idempotency-key': 'fork' });
  await call('PATCH', path, { mode: 'open' });
  const tools = [{ name: 'look', input_schema: { type: 'object' } }];
  await call('POST', `${path}/messages`, { message: 'call look', model: 'offline', tools });
  const tool_results = [{ tool_call_id: 'call_1', output: 1 }];
  expect(await call('POST', `${path}/messages`, { tool_results })).toMatchObject({
    status: 'complete',
  });
  await call('DELETE', `/messages/${question}`);
}

/** What clients do that name chats and messages themselves. */
async function chatByNames(): Promise<void> {
  const said = (id: string, role = 'user') => ({ id, role, parts: [{ type: 'text', text: 'Hi' }] });
  const chat = { id: 'chat', user_id: 'u' };
  await call('POST', '/api/chat', { ...chat, messages: [said('m1')] });
  const again = { trigger: 'regenerate-message', messages: [said('m1')] };
  await call('POST', '/api/chat', { ...chat, ...again });
  await call('POST', '/api/chat', { ...chat, messages: [said('a', 'assistant'), said('m2')] });
  await call('POST', '/api/chat', { ...chat, message: said('m1'), messageId: 'm1' });
  await call('GET', '/api/chat/chat/stream?user_id=u');
  const messages = [
    { role: 'user', content: 'Hi' },
    { role: 'assistant', content: 'Ho' },
    { role: 'user', content: 'Hi again' },
  ];
  await call('POST', '/v1/chat/completions', { user: 'u', messages });
  const response = await call('POST', '/v1/responses', { user: 'u', input: 'Hi' });
  const goesOn = { input: 'And?', previous_response_id: response['id'] };
  const retry = { 'x-stainless-retry-count': '1' };
  await call('POST', '/v1/responses', goesOn, retry);
  const [item] = response['output'] as { id: string }[];
  const input = [item, { role: 'user', content: 'More' }];
  await call('POST', '/v1/responses', { user: 'u', input });
  await call('GET', `/v1/responses/${String(response['id'])}/input_items`);
  const items = [{ role: 'user', content: 'Hi' }];
  const { id } = await call('POST', '/v1/conversations', { items });
  const path = `/v1/conversations/${String(id)}`;
  await call('POST', path, { metadata: { a: 'b' } });
  const added = await call('POST', `${path}/items`, { items });
  await call('DELETE', `${path}/items/${String(added['last_id'])}`);
  await askFirstAndKeepAfterwards();
}

/** As clients do that keep the history by themselves: in the end there is one conversation. */
async function askFirstAndKeepAfterwards(): Promise<void> {
  const question = { role: 'user', content: 'Once' };
  const { id } = await call('POST', '/v1/conversations', {});
  const response = await call('POST', '/v1/responses', { input: [question] });
  const [said] = response['output'] as { content: object[] }[];
  const answer = { role: 'assistant', content: said?.content };
  const items = [question, answer];
  const kept = await call('POST', `/v1/conversations/${String(id)}/items`, { items });
  const again = { ...question, id: kept['first_id'] };
  const input = [again, answer, { role: 'user', content: 'Again' }];
  await call('POST', '/v1/responses', { input });
  const list = await call('GET', `/v1/conversations/${String(id)}/items`);
  expect(list['data']).toHaveLength(4);
}

async function keepDocuments(): Promise<void> {
  const { conversation_id: id } = await call('POST', '/conversations', { user_id: 'u' });
  const document = { user_id: 'u', text: '# Refunds\n\nA purchase can be returned.', title: 'T' };
  const key = { 'idempotency-key': 'document' };
  const kept = await call('POST', '/documents', { ...document, metadata: { a: 1 } }, key);
  // It has too many chunks to be stored at once.
  const long = 'It is shipped by bicycle within three days. '.repeat(1_000);
  await call('POST', '/documents', { ...document, conversation_id: id, text: long });
  const documentId = String(kept['document_id']);
  await call('POST', '/documents', { ...document, url: 'https://example.com' });
  const replacement = { ...document, document_id: documentId, text: 'New words.' };
  await call('POST', '/documents', replacement, { 'idempotency-key': 'replacement' });
  await call('GET', '/chunks/16777216?user_id=u&around=1');
  // The first search is answered by the statements alone, and has the library read into memory.
  await call('POST', '/retrieve', { user_id: 'u', query: 'words' });
  await searcher.libraries.settled();
  for (const mode of ['hybrid', 'vector', 'keyword'])
    for (const filter of [{}, { conversation_id: id }, { document_ids: [documentId] }])
      for (const metadata of [undefined, { a: 1 }])
        await call('POST', '/retrieve', {
          user_id: 'u',
          query: 'words',
          mode,
          metadata,
          ...filter,
        });
  for (const query of [
    '',
    '&limit=1',
    `&limit=1&cursor=${documentId}`,
    `&conversation_id=${String(id)}`,
  ])
    await call('GET', `/documents?user_id=u${query}`);
  await call('GET', `/documents/${documentId}`);
  await call('GET', `/documents/${documentId}/text`);
  await call('PATCH', `/documents/${documentId}`, { language: 'de' });
  await call('POST', '/retrieve', { user_id: 'u', query: 'words', metadata: { a: 1 } });
  const question = { user_id: 'u', message: 'Which words?' };
  await call('POST', `/conversations/${String(id)}/messages`, question);
  await call('POST', '/conversations', { ...question, mode: 'rag' });
  const { configured } = embeddings;
  const embedder = { ...configured, name: 'offline/another' };
  await reindex({ db, embedder, prices, leaseMs: 15_000 }, () => undefined);
  await call('DELETE', `/documents/${documentId}`);
  // Finds out which one was deleted.
  await call('POST', '/retrieve', { user_id: 'u', query: 'words' });
}

async function keepFiles(): Promise<void> {
  const form = new FormData();
  form.set('user_id', 'u');
  form.set('file', new File(['Valves close clockwise.'], 'valves.txt'));
  const headers = { 'idempotency-key': 'file' };
  const sent = await app.request('/files', { method: 'POST', body: form, headers }, {});
  const { file_id: id } = asRecord(await sent.json());
  await app.request('/files', { method: 'POST', body: form }, {});
  form.set('file', new File([], 'empty.txt'));
  await app.request('/files', { method: 'POST', body: form }, {});
  for (const query of ['', `&cursor=${String(id)}`]) await call('GET', `/files?user_id=u${query}`);
  await call('GET', `/files/${String(id)}`);
  const attached = { message: 'Hi', attachments: [{ file_id: id }], model: 'offline' };
  const said = await call('POST', '/conversations', { user_id: 'u', ...attached });
  expect(said).toMatchObject({ status: 'complete' });
  const { input } = newClaim();
  const parts: Part[] = [
    { type: 'file', file_id: String(id), name: 'a', mime_type: 'text/plain', size: 1, sha256: '' },
  ];
  await releaseClaim(db, { ...newClaim(), input: { ...input, parts } as ClaimInput }, 0);
  await removeUnused(db, ['none']);
  await call('DELETE', `/files/${String(id)}`);
}

/** The end of a turn whose message the model's service refused for good. */
const refused: Ending = {
  ...{ status: 'failed', parts: [], model: 'm', finishReason: null, tokensEstimated: true },
  ...{ inputTokens: null, outputTokens: null, firstTokenMs: null, durationMs: 1 },
  tokenRatio: null,
  error: { code: 'model_refused', detail: 'x' },
};

const reservation: ReserveAsk = {
  ...{
    turnId: 't',
    firstWay: 'reserve' as const,
    prompt: 1,
    from: null,
    atHead: true,
    most: 1,
    least: 1,
  },
  ...{ defaults: limits, leaseMs: 15_000, keyId: 'k', model: 'm' },
  ...{ allowance: [1, 1, 1, 1], models: '{}' },
};

const usedCall: LedgerEntry = {
  ...{ workId: 't', number: 0, kind: 'answer', userId: 'u', conversationId: 'c', model: 'm' },
  keyId: null,
  ...{ inputTokens: 1, outputTokens: 1, cachedTokens: 0, reasoningTokens: 0 },
  ...{ isEstimated: false, nanodollars: null },
};

/** What is done beside the requests, and what only an accident brings about. */
async function keepOrder(): Promise<void> {
  await addConnection(db, { id: 'c', userId: 'u', instanceId: 'i' });
  await countConnections(db, 'u', 60_000);
  await renewConnections(db, 'i', 60_000);
  await removeConnection(db, 'c');
  await removeInstance(db, 'i');
  const grown = { turnId: 't', messageId: 'm', count: 1, parts: [], replace: false, textLength: 0 };
  await saveCheckpoints(db, { instanceId: 'o', turnIds: ['t'], checkpoints: [grown] });
  await findTurn(db, { turnId: 't', principal: ANYONE });
  await requestCancel(db, 't');
  await endTurn(db, {
    head: newRunningTurn().head,
    instanceId: 'o',
    ending: refused,
    calls: [usedCall],
    retryForMs: 0,
  });
  await steer();
  await setLimits(db, 'u', { turns_at_once: 3 });
  await setKeyLimits(db, { keyId: 'k', userId: 'u' }, limits);
  const streams = { defaults: limits, leaseMs: 15_000, keyId: 'k', userId: 'u' };
  await new StreamLimitsDatabase(db, streams).limits();
  await extend(db, { ...reservation, most: 1, had: 1 });
  await sweep(db, 15_000);
  await forgetLeftBehind(db);
  const unread = unreadKey('hash', { scope: 'u', said: [] });
  await noteUnread(db, unread, 'none');
  await takeUnread(db, unread);
  await releaseClaim(db, newClaim(), 0);
  await findAnswer(db, { turnId: 't', principal: { kind: 'anyone', userId: 'u' } });
  const draft = { documentId: 'd', userId: 'u', version: 1 };
  await renewDraft(db, draft);
  await resumeDraft(db, { draft, description: { url: 'https://a.test' }, leaseMs: 15_000 });
  await recentMessages(db, { userId: 'u', except: 'c' });
  await failDraft(db, draft, { code: 'internal_error', detail: 'x' });
}

const TICKET: CredentialProof = { kind: 'ticket', id: 'c', hash: 'h' };

function holderOf(proof: CredentialProof): IdentifiedUser {
  return { kind: 'user', userId: 'u', establishedBy: proof.kind, scopes: [], proof };
}

/** A message that steers a turn, and the turn that follows it. */
async function steer(): Promise<void> {
  const first = newClaim();
  const claimLimits = { leaseMs: 15_000, windowMessages: 20 };
  expect(await claimTurn(db, first, claimLimits)).toMatchObject({ kind: 'accepted' });
  const { create: _, ...claim } = { ...newClaim(), conversationId: first.conversationId };
  const { turnId, assistantMessageId: answerId, input } = claim;
  const id = input.kind === 'message' ? input.messageId : '';
  const message = {
    ...{ id, parts: '{"type":"text","text":"Hello"}', textLength: 5, tokens: 1, clientId: null },
    ...{ turnId, answerId, answerClientId: null, model: null, parameters: null },
    ...{ scope: 'u', key: 'steering', keyId: null, createdAt: '' },
  };
  const idempotency = { scope: 'u', key: 'steering', fingerprint: 'f' };
  const steering = {
    ...claim,
    idempotency,
    steering: { message, after: null, joinsSameText: false },
  };
  const steered = { kind: 'steers', turnId: first.turnId, messageId: id };
  expect(await claimTurn(db, steering, claimLimits)).toEqual(steered);
  expect(await readSteering(db, first.turnId)).toMatchObject([
    { ...message, createdAt: expect.stringMatching(/T.*Z$/u) },
  ]);
  const waits = { turnId: first.turnId, messageId: id, leaseMs: 15_000 };
  expect(await findSteering(db, waits)).toEqual({ kind: 'waits', turnId: first.turnId });
  const { head } = newRunningTurn();
  const { instanceId } = first;
  const { result } = await endAndFollow(db, {
    ...{ head: { ...head, turnId: first.turnId }, instanceId, ending: refused, calls: [] },
    ...{ claim: { ...claim, instanceId }, number: 0, limits: claimLimits, retryForMs: 0 },
  });
  expect(result).toMatchObject({ kind: 'accepted' });
  expect(await findSteering(db, waits)).toEqual({ kind: 'answered', turnId });
  await followRemembered(claimLimits);
  const other = { ...newClaim(), conversationId: first.conversationId };
  const released = { ...other, steering: { message, after: null, joinsSameText: false } };
  await releaseClaim(db, released, 0);
  const byTicket = { ...released, principal: holderOf(TICKET) };
  expect(await claimTurn(db, byTicket, claimLimits)).toEqual({ kind: 'unauthenticated' });
}

/** Messages, and results of tools, that follow an answer which is only remembered. */
async function followRemembered(limits: ClaimLimits): Promise<void> {
  const { create: _, ...claim } = newClaim();
  if (claim.input.kind !== 'message') return;
  const after = { question: 'h', textLength: 0 };
  const input = { ...claim.input, parentId: 'a', historyHash: 'i', after };
  const answers = { calls: ['c'], approvals: [] };
  // What names its model and its parameters takes over nothing, and is granted at once.
  const own = { model: 'm', parameters: {} };
  const granted = { ...own, reservation: { ...reservation, firstWay: 'grant' as const } };
  for (const more of [{}, granted])
    for (const each of [input, { ...input, answers }])
      expect(await claimTurn(db, { ...claim, ...more, input: each }, limits)).toMatchObject({
        kind: 'not_found',
      });
}

/** Credentials: the statements are the same whether or not there are such rows. */
async function keepCredentials(): Promise<void> {
  const proof = TICKET;
  const user = holderOf(proof);
  const fields = { userId: 'u', hash: 'h', name: null, scopes: [], parentId: null };
  for (const kind of ['key', 'ticket'] as const)
    await createCredential(db, { ...fields, id: kind, kind, expiresAt: null });
  for (const query of [{}, { userId: 'u' }, { cursor: 'key' }, { userId: 'u', cursor: 'key' }])
    await listKeys(db, { ...query, limit: 1 });
  for (const userId of ['u', undefined])
    await revokeCredential(db, { id: 'c', kind: 'key', userId });
  await revokeUser(db, 'u');
  const reading = new ConfirmingDatabase(db, proof);
  await reading.confirm().catch(() => undefined);
  await claimTurn(db, { ...newClaim(), principal: user }, { leaseMs: 1, windowMessages: 1 });
  const key = holderOf({ ...proof, kind: 'key' });
  await claimTurn(db, { ...newClaim(), principal: key }, { leaseMs: 1, windowMessages: 1 });
  await releaseClaim(db, { ...newClaim(), principal: user }, 0);
  await bindTicket(db, user, { turnId: 't' });
  await useTicket(db, proof, 't');
  await createCredential(db, {
    ...fields,
    id: 'c',
    kind: 'ticket',
    expiresAt: Date.now() + 60_000,
  });
  await openSocket(db, proof);
  await isTicketKnown(db, proof);
  await boundTurn(db, proof);
}

/** A user takes everything along, and has it deleted. */
async function leave(): Promise<void> {
  const exported = await app.request('/users/u/export', {}, {});
  const lines = (await exported.text()).trim().split('\n');
  const types = new Map(lines.map((line) => [asRecord(JSON.parse(line))['type'], line]));
  for (const line of types.values()) {
    const { cursor } = asRecord(JSON.parse(line));
    if (typeof cursor === 'string')
      await (await app.request(`/users/u/export?cursor=${cursor}`, {}, {})).text();
  }
  expect(await call('DELETE', '/users/u/data')).toMatchObject({ status: 'deleted' });
  // The month is over.
  const over = `UPDATE erasures SET due_at = 0, keeps_usage_until = 0 WHERE user_id = 'u'`;
  await db.batch([{ sql: over, args: [] }], 'write');
  await resumeErasures(dependencies);
}

it('asks every SQL text that stands in the source', () => {
  const seen = [...statements.keys()];
  const missing = sqlInSource('src/store').filter(
    ({ matches }) => !seen.some((sql) => matches(sql)),
  );
  expect(missing.map(({ where }) => where)).toEqual([]);
});

it('asks every query that is built in the source', () => {
  const missing = queriesInSource('src/store').filter((where) => !built.has(where));
  expect(missing).toEqual([]);
});

it('names only tables and columns that the schema has', async () => {
  const connection = new Libsql(':memory:');
  for (const sql of await tablesOfSchema()) connection.exec(sql);
  const wrong = [...statements.keys()].flatMap((sql) => {
    if (!isQuery(sql)) return [];
    try {
      connection.prepare(sql);
      return [];
    } catch (error) {
      return [{ sql, error: String(error) }];
    }
  });
  connection.close();
  expect(wrong).toEqual([]);
});

/** The tables as the source declares them, whatever the migrations have made. */
async function tablesOfSchema(): Promise<string[]> {
  const declared = { ...schema, owners, chunks, chunkVectors, chunkCodes };
  const nothing = await generateSQLiteDrizzleJson({});
  const tables = await generateSQLiteMigration(nothing, await generateSQLiteDrizzleJson(declared));
  const words = SEARCH_TABLES.filter((sql) => sql.startsWith('CREATE VIRTUAL TABLE'));
  return [...tables, ...words];
}

it('finds no statement that scans a table', () => {
  const scans = [...statements].flatMap(([sql, { plan }]) => {
    const found = scansIn(plan);
    const isAllowed = MAY_SCAN.some((pattern) => pattern.test(sql));
    return found.length === 0 || isAllowed ? [] : [{ sql, found }];
  });
  expect(scans).toEqual([]);
});

/** Statements that go from a message to others by their parents. */
const WALKS_A_TREE = /^\s*with recursive|\(with recursive|\bdepth"? <> /iu;

it('finds no step up, down or aside in a tree that goes through all messages of its conversation', () => {
  const wrong = /^(?:SEARCH|SCAN) .* messages_by_sequence \(conversation_id=\?\)$/u;
  const found = [...statements].flatMap(([sql, { plan }]) =>
    WALKS_A_TREE.test(sql) && plan.some((step) => wrong.test(step)) ? [sql] : [],
  );
  expect(found).toEqual([]);
});

it('finds the turn that runs in a conversation without going through its turns', () => {
  const wrong = /turns_by_conversation \(conversation_id=\?\)$/u;
  const found = [...statements].flatMap(([sql, { plan }]) => {
    // Those of a branch are removed with it.
    const isRemoval = sql.startsWith('delete from "turns"');
    return sql.includes("'running'") && !isRemoval && plan.some((step) => wrong.test(step))
      ? [sql]
      : [];
  });
  expect(found).toEqual([]);
});

it('looks for a text by its hash, and not through all documents of its owner', () => {
  const isByHash = /"documents"."content_hash" = \?/u;
  const plans = [...statements].filter(([sql]) => isByHash.test(sql)).map(([, { plan }]) => plan);
  expect(plans).not.toEqual([]);
  for (const plan of plans) expect(plan.join()).toContain('documents_by_hash (user_id=? AND');
});

/**
 * Steps that go through all of a table; a constant, an intermediate result, a list given as JSON
 * and a search by full text are none.
 */
function scansIn(plan: readonly string[]): string[] {
  const made = new Set(plan.map((step) => /^(?:MATERIALIZE|CO-ROUTINE) (\S+)/u.exec(step)?.[1]));
  return plan.filter((step) => {
    const name = /^SCAN (?!CONSTANT ROW)(\S+)/u.exec(step)?.[1];
    if (name === undefined || made.has(name) || step === RUNNING_TURNS) return false;
    // `0:` is a virtual table asked for nothing in particular.
    return !step.includes('VIRTUAL TABLE INDEX') || step.endsWith('INDEX 0:');
  });
}
