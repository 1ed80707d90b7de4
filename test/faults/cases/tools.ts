/**
 * Tools with effects, on a real MCP server that counts them: the process is killed between a call
 * and its result, and between a user's word and what it allows. No effect comes twice.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { asArray, asRecord, asText } from '../../support/json.ts';
import { startMcpServers, type McpServers } from '../../support/mcp-server.ts';
import type { FaultCase, Rounds } from '../case.ts';
import type { Ask, Client } from '../client.ts';
import { mustBeConsistent, mustBeWhole } from '../invariants.ts';
import { awkwardMessage } from '../texts.ts';
import { must, mustEqual } from '../violation.ts';
import { ownOf, type World } from '../world.ts';

/** A restart of workerd takes its time, and so does each look at a conversation there. */
function conversationsOf({ quick, runtime }: Rounds): number {
  return quick && runtime === 'workerd' ? 3 : 8;
}

const tool = {
  name: 'act',
  inputSchema: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] },
};

interface Acting {
  ask: Ask & { conversationId: string; key: string };
  /** What its call is about: each effect is counted by it. */
  id: string;
}

/** Servers whose tools have effects, and the product that knows them. */
async function withEffects(rounds: Rounds, body: (world: World, mcp: McpServers) => Promise<void>) {
  const mcp = await startMcpServers();
  const servers = (['free', 'asks'] as const).map((name) => {
    mcp.script(name, { tools: [tool], callDelayMs: 400 });
    return { name, url: mcp.url(name), approval: name === 'asks' ? 'always' : 'never' };
  });
  try {
    await body(await rounds.world({ env: { MCP_SERVERS: JSON.stringify(servers) } }), mcp);
  } finally {
    await mcp.close();
  }
}

async function acting({ random }: Rounds, world: World, server: string): Promise<Acting> {
  const userId = random.word();
  const id = random.word();
  const call = { name: `${server}__act`, input: { id } };
  const model = world.model([{ toolCalls: [[call]] }, { text: 'Done' }]);
  const conversationId = await world.client.createConversation(userId);
  const message = awkwardMessage(random);
  return { ask: { conversationId, userId, model, message, key: random.word() }, id };
}

function effects(mcp: McpServers, server: string, id: string): number {
  const calls = mcp.requests(server, 'tools/call');
  return calls.filter(({ params }) => asRecord(params['arguments'])['id'] === id).length;
}

const calls: FaultCase = {
  name: 'tool-kill-9-call',
  what: 'kill -9 between the call of a tool that has effects and its result',
  runtimes: ['node', 'workerd'],
  async run(rounds) {
    const times = rounds.quick ? 1 : 6;
    await withEffects(rounds, async (world, mcp) => {
      // The tools are known before anything is killed.
      await world.client.streamTurn((await acting(rounds, world, 'free')).ask);
      for (let time = 0; time < times; time += 1) await killInCalls(rounds, world, mcp);
    });
  },
};

async function killInCalls(rounds: Rounds, world: World, mcp: McpServers): Promise<void> {
  const { random } = rounds;
  const { client } = world;
  const { server } = ownOf(world);
  const all = await Promise.all(
    Array.from({ length: conversationsOf(rounds) }, () => acting(rounds, world, 'free')),
  );
  const sent = all.map(async ({ ask }) => {
    await sleep(random.below(500));
    return client.streamTurn(ask);
  });
  const moment = 150 + random.below(900);
  await sleep(moment);
  await server.kill();
  await Promise.all(sent);
  await server.restart();
  for (const { ask, id } of all)
    await rounds.round(`killed after ${moment} ms`, async () => {
      const settleMs = world.leaseMs + 10_000;
      mustBeWhole(await client.streamTurn(ask, settleMs));
      must(effects(mcp, 'free', id) <= 1, 'a call has had its effect twice');
      await mustGoOn(rounds, world, ask);
    });
}

/** The conversation takes the next turn, and is consistent. */
async function mustGoOn({ random }: Rounds, { client, leaseMs }: World, ask: Acting['ask']) {
  const message = awkwardMessage(random);
  const next = { ...ask, message, key: random.word(), model: 'offline' };
  mustEqual((await client.streamTurn(next)).message?.status, 'complete', 'the next turn');
  const acknowledged = [ask.message, message];
  const { conversationId } = ask;
  const settleMs = leaseMs + 10_000;
  await mustBeConsistent(client, { conversationId, acknowledged, unsure: [''], settleMs }, random);
}

const approvals: FaultCase = {
  name: 'tool-kill-9-approval',
  what: 'kill -9 between the word that allows a call and its effect, which is then asked for again',
  runtimes: ['node', 'workerd'],
  async run(rounds) {
    const times = rounds.quick ? 1 : 6;
    await withEffects(rounds, async (world, mcp) => {
      await world.client.streamTurn((await acting(rounds, world, 'free')).ask);
      for (let time = 0; time < times; time += 1) await killInApprovals(rounds, world, mcp);
    });
  },
};

async function killInApprovals(rounds: Rounds, world: World, mcp: McpServers): Promise<void> {
  const { random } = rounds;
  const { client } = world;
  const { server } = ownOf(world);
  const all = await Promise.all(
    Array.from({ length: conversationsOf(rounds) }, async () => {
      const { ask, id } = await acting(rounds, world, 'asks');
      const asked = await client.streamTurn(ask);
      return { ask, id, approvalId: await approvalIn(client, asked.turnId), key: random.word() };
    }),
  );
  const allowed = (one: (typeof all)[number], key: string) =>
    client.call(`/conversations/${one.ask.conversationId}/messages`, {
      json: { approvals: [{ approval_id: one.approvalId, approved: true }] },
      headers: { 'idempotency-key': key },
      timeoutMs: 60_000,
    });
  const sent = all.map(async (one) => {
    await sleep(random.below(500));
    return allowed(one, one.key).catch(() => undefined);
  });
  const moment = 100 + random.below(900);
  await sleep(moment);
  await server.kill();
  await Promise.all(sent);
  await server.restart();
  for (const one of all)
    await rounds.round(`killed after ${moment} ms`, async () => {
      // The same request again, and then another one for the same call, which is answered already.
      const again = await allowed(one, one.key);
      must([200, 502, 503].includes(again.status), `status ${again.status} for the same approval`);
      mustEqual((await allowed(one, random.word())).status, 400, 'status of a second approval');
      await answerAgain(client, one.ask.conversationId);
      must(effects(mcp, 'asks', one.id) <= 1, 'what was allowed once has happened twice');
      await mustGoOn(rounds, world, one.ask);
    });
}

/** Asks for another answer to the message that allowed the call. */
async function answerAgain(client: Client, conversationId: string): Promise<void> {
  const messages = await client.messages(conversationId);
  const allowing = messages.findLast(({ role }) => role === 'user');
  const path = `/messages/${allowing?.id ?? ''}/regenerate`;
  const { status } = await client.call(path, { json: {}, timeoutMs: 60_000 });
  mustEqual(status, 200, 'status of another answer to an approval');
}

async function approvalIn(client: Client, turnId: string): Promise<string> {
  const { json } = await client.call(`/turns/${turnId}`);
  const parts = asArray(asRecord(asRecord(json)['message'])['parts']).map(asRecord);
  const asked = parts.find(({ type }) => type === 'tool_approval');
  must(asked !== undefined, 'a call that needs it was not asked for');
  return asText(asked['approval_id']);
}

export const tools = [calls, approvals];
