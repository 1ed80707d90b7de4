/**
 * Compares a turn in a conversation of 10,000 messages with one in a conversation of 20, on a file.
 */
import { modelName } from './answer.ts';
import { median, type Measured } from './figures.ts';
import { runLoad, type Rig } from './rig.ts';
import type { Server } from './servers.ts';
import { createConversation, fill, turnIn, type Conversation } from './turns.ts';

const LONG = 10_000;
const SHORT = 20;
/** The two alternate in this many blocks of turns, so that noise affects both alike. */
const BLOCKS = 6;
const TURNS_A_BLOCK = 25;
type BlockCost = { cpuMs: number; turnMs: number };
const ANSWER = { tokens: 10, paceMs: 0 };

export async function longConversation(rig: Rig, server: Server): Promise<Measured> {
  if (server.name !== 'parley-node') return {};
  const long = await filled(server, LONG);
  const longBlocks: BlockCost[] = [];
  const shortBlocks: BlockCost[] = [];
  for (let block = 0; block < BLOCKS; block++) {
    shortBlocks.push(await turnsIn(rig, server, await filled(server, SHORT)));
    longBlocks.push(await turnsIn(rig, server, long));
  }
  const ratio = (cost: keyof BlockCost): number =>
    (median(longBlocks.map((block) => block[cost])) ?? Number.NaN) /
    (median(shortBlocks.map((block) => block[cost])) ?? Number.NaN);
  return { longCpuRatio: ratio('cpuMs'), longTimeRatio: ratio('turnMs') };
}

async function filled(server: Server, messages: number): Promise<Conversation> {
  const conversation = await createConversation(server, 'bench-long');
  await fill({ server, conversation, messages });
  return conversation;
}

async function turnsIn(rig: Rig, server: Server, conversation: Conversation): Promise<BlockCost> {
  const turns = Array.from({ length: TURNS_A_BLOCK }, () =>
    turnIn(conversation, modelName(ANSWER)),
  );
  const run = await runLoad({ rig, server, answer: ANSWER, turns });
  return { cpuMs: run.cpuMs, turnMs: median(run.turns.map(({ turnMs }) => turnMs)) ?? Number.NaN };
}
