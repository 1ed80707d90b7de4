/**
 * Files that users send: kills between the pieces of an upload, and between an upload and the turn
 * that uses it; the same bytes at once by two processes; a deletion while a turn reads; fifty of
 * the largest at once.
 */
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from '../../support/http.ts';
import { asArray, asRecord, asText } from '../../support/json.ts';
import type { FaultCase, Rounds } from '../case.ts';
import type { Client } from '../client.ts';
import { mustBeConsistent, mustBeWhole } from '../invariants.ts';
import { awkwardMessage } from '../texts.ts';
import { must, mustEqual } from '../violation.ts';
import { ownOf, type World } from '../world.ts';

const MIB = 1024 * 1024;
const BOUNDARY = 'a-boundary-of-the-faults';
const FORM_TYPE = `multipart/form-data; boundary=${BOUNDARY}`;
const PNG = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');

/** Bytes that begin like a picture, so that nobody looks for text in them. */
function picture(size: number): Buffer {
  return Buffer.concat([PNG, randomBytes(size - PNG.length)]);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function formOf(userId: string, content: Uint8Array): Buffer {
  const field = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="user_id"\r\n\r\n${userId}\r\n`;
  const file = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n`;
  return Buffer.concat([
    Buffer.from(field + file),
    content,
    Buffer.from(`\r\n--${BOUNDARY}--\r\n`),
  ]);
}

interface Upload {
  userId: string;
  content: Uint8Array;
  key?: string;
}

function upload(url: string, { userId, content, key }: Upload) {
  return request(`${url}/files`, {
    rawBody: formOf(userId, content),
    headers: {
      'content-type': FORM_TYPE,
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    },
    timeoutMs: 600_000,
  });
}

async function filesOf(client: Client, userId: string): Promise<Record<string, unknown>[]> {
  const { json } = await client.call(`/files?user_id=${userId}`);
  return asArray(json).map(asRecord);
}

/** The bytes come back as they were sent. */
async function mustComeBack(client: Client, id: string, content: Uint8Array): Promise<void> {
  const { status, bytes } = await client.call(`/files/${id}`, { timeoutMs: 60_000 });
  mustEqual(status, 200, 'reading a file');
  mustEqual(sha256(bytes), sha256(content), 'the bytes of a file');
}

const kills: FaultCase = {
  name: 'upload-kill-9',
  what: 'kill -9 between the pieces of uploads; they are sent again, and turns use them, over a kill as well',
  runtimes: ['node', 'workerd'],
  async run(rounds) {
    const world = await rounds.world();
    const times = rounds.quick ? 1 : 8;
    for (let time = 0; time < times; time += 1) await killDuringUploads(rounds, world);
  },
};

async function killDuringUploads(rounds: Rounds, world: World): Promise<void> {
  const { random, quick } = rounds;
  const { server } = ownOf(world);
  const all = Array.from({ length: quick ? 3 : 6 }, () => ({
    userId: random.word(),
    content: picture(3 * MIB + random.below(MIB)),
    key: random.word(),
  }));
  const sent = all.map((one) => upload(server.url, one).catch(() => undefined));
  const moment = random.below(400);
  await sleep(moment);
  await server.kill();
  await Promise.all(sent);
  await server.restart();
  const ids = new Map<Upload, string>();
  for (const one of all)
    await rounds.round(`killed after ${moment} ms`, async () => {
      const again = await upload(server.url, one);
      mustEqual(again.status, 200, `the upload that is repeated (${again.text})`);
      const id = asText(asRecord(again.json)['file_id']);
      ids.set(one, id);
      await mustComeBack(world.client, id, one.content);
      mustEqual((await filesOf(world.client, one.userId)).length, 1, 'files of the user');
    });
  await server.kill();
  await server.restart();
  for (const [one, id] of ids)
    await rounds.round('killed between an upload and its turn', () =>
      mustBeAsked(rounds, world, { ...one, id }),
    );
}

/** A turn sends the file to the model, byte for byte, and stays. */
async function mustBeAsked(
  { random }: Rounds,
  world: World,
  { userId, content, id }: Upload & { id: string },
): Promise<void> {
  const { client } = world;
  const model = seeing(world);
  const conversationId = await client.createConversation(userId);
  const message = awkwardMessage(random);
  const body = { attachments: [{ file_id: id }] };
  const told = await client.streamTurn({ conversationId, userId, model, message, body });
  mustBeWhole(told);
  mustEqual(told.message?.status, 'complete', `the turn (${told.errorCode})`);
  must(wasShown(world, model, content), 'the model was not sent the bytes');
  await mustBeConsistent(
    client,
    { conversationId, acknowledged: [message], settleMs: 10_000 },
    random,
  );
}

/** A model that takes pictures. */
function seeing(world: World): string {
  const { upstream } = ownOf(world);
  const name = `gpt-4o-${randomBytes(6).toString('hex')}`;
  upstream.script(name, { text: 'I see.', headersDelayMs: 200 });
  return `openai/${name}`;
}

function wasShown(world: World, model: string, content: Uint8Array): boolean {
  const sent = ownOf(world).upstream.requests.filter((one) => model.endsWith(`/${one.model}`));
  const base64 = Buffer.from(content).toString('base64');
  return JSON.stringify(sent.at(-1)?.body).includes(base64);
}

const twins: FaultCase = {
  name: 'upload-twins',
  what: 'two processes are sent the same bytes at once; their files share them, until the last is deleted',
  runtimes: ['node', 'workerd'],
  async run(rounds) {
    const world = await rounds.world();
    const other = await ownOf(world).another();
    for (let time = 0; time < (rounds.quick ? 2 : 12); time += 1)
      await rounds.round(`time ${time}`, () => sendTwins(rounds, world, other.url));
    await other.close();
  },
};

async function sendTwins({ random }: Rounds, world: World, otherUrl: string): Promise<void> {
  const { client } = world;
  const one = { userId: random.word(), content: picture(MIB + random.below(MIB)) };
  const urls = [client.url, otherUrl, client.url, otherUrl];
  const answers = await Promise.all(urls.map((url) => upload(url, one)));
  for (const { status, text } of answers) mustEqual(status, 200, `an upload (${text})`);
  const ids = answers.map(({ json }) => asText(asRecord(json)['file_id']));
  mustEqual(new Set(ids).size, urls.length, 'files');
  while (ids.length > 1) {
    const [gone] = ids.splice(random.below(ids.length), 1);
    await client.call(`/files/${gone}`, { method: 'DELETE' });
    await mustComeBack(client, ids[random.below(ids.length)] ?? '', one.content);
  }
  await client.call(`/files/${ids[0]}`, { method: 'DELETE' });
  mustEqual((await client.call(`/files/${ids[0]}`)).status, 404, 'the last file');
  mustEqual((await filesOf(client, one.userId)).length, 0, 'files of the user');
}

const deletions: FaultCase = {
  name: 'file-deleted-in-use',
  what: 'files are deleted at any moment of the turns that use them: whole, or said to be gone',
  runtimes: ['node', 'workerd'],
  async run(rounds) {
    const world = await rounds.world();
    const names = Array.from({ length: rounds.quick ? 4 : 40 }, (_, at) => `turn ${at}`);
    await rounds.together(names, 2, () => deleteDuring(rounds, world));
  },
};

async function deleteDuring({ random }: Rounds, world: World): Promise<void> {
  const { client } = world;
  const one = { userId: random.word(), content: picture(2 * MIB) };
  const id = asText(asRecord((await upload(client.url, one)).json)['file_id']);
  const model = seeing(world);
  const conversationId = await client.createConversation(one.userId);
  const message = awkwardMessage(random);
  const body = { attachments: [{ file_id: id }] };
  const asked = client.streamTurn({ conversationId, userId: one.userId, model, message, body });
  await sleep(random.below(250));
  const gone = await client.call(`/files/${id}`, { method: 'DELETE' });
  must([200, 404].includes(gone.status), `status ${gone.status} for a deletion`);
  const told = await asked;
  if (told.status === 404) return; // It was deleted before the turn was accepted.
  mustBeWhole(told);
  mustEqual(told.message?.status, 'complete', `the turn (${told.errorCode})`);
  const { requests } = ownOf(world).upstream;
  const sent = JSON.stringify(
    requests.filter((each) => model.endsWith(`/${each.model}`)).at(-1)?.body,
  );
  const isSaid = sent.includes('has been deleted');
  must(isSaid || wasShown(world, model, one.content), 'the model was sent a part of the bytes');
  await mustBeConsistent(
    client,
    { conversationId, acknowledged: [message], settleMs: 10_000 },
    random,
  );
}

/** What a server may need besides, in MiB: the largest files all at once would be 500. */
const MOST_MORE_MIB = 400;

const fifty: FaultCase = {
  name: 'uploads-fifty',
  what: 'fifty files of ten megabytes at once: each is taken, or told when to come again; memory is bounded',
  runtimes: ['node', 'workerd'],
  async run(rounds) {
    const world = await rounds.world();
    const count = rounds.quick ? 8 : 50;
    await rounds.round(`${count} at once`, () => sendMany(rounds, world, count));
  },
};

async function sendMany({ random }: Rounds, world: World, count: number): Promise<void> {
  const { client } = world;
  const { pid } = ownOf(world).server;
  const before = residentMib(pid);
  const peak = { mib: before };
  const watching = setInterval(() => (peak.mib = Math.max(peak.mib, residentMib(pid))), 200);
  const content = picture(10 * MIB - 1_000);
  const began = performance.now();
  const statuses: number[] = [];
  const ids: string[] = [];
  await Promise.all(
    Array.from({ length: count }, async () => {
      const userId = random.word();
      for (;;) {
        const { status, headers, json } = await upload(client.url, { userId, content });
        statuses.push(status);
        if (status === 200) return void ids.push(asText(asRecord(json)['file_id']));
        must([429, 503].includes(status), `status ${status}`);
        const waitS = Number(headers['retry-after']);
        must(waitS > 0, `status ${status} without Retry-After`);
        await sleep(waitS * 1000);
      }
    }),
  ).finally(() => clearInterval(watching));
  const seconds = Math.round((performance.now() - began) / 1000);
  for (const id of ids) await mustComeBack(client, id, content);
  const refused = statuses.filter((status) => status !== 200).length;
  console.log(
    `    ${count} uploads: ${seconds} s, ${refused} told to come again, ${before} MiB before, ${peak.mib} at most`,
  );
  must(peak.mib - before < MOST_MORE_MIB, `${peak.mib - before} MiB more than before`);
}

/** The resident memory of a server and its descendants, in MiB. */
function residentMib(pid: number): number {
  const rows = execFileSync('ps', ['--no-headers', '-o', 'rss', '-g', String(pid)]).toString();
  return Math.round(rows.split('\n').reduce((sum, row) => sum + Number(row), 0) / 1024);
}

export const uploads = [kills, twins, deletions, fifty];
