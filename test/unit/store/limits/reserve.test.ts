/** What running turns have reserved is not given to others, by any limit that is counted. */
import { expect, it } from 'vitest';
import { NO_LIMITS, type Limits } from '../../../../src/core/limits.ts';
import { reserve } from '../../../../src/store/limits/reserve.ts';
import { reservedFrom } from '../../../../src/store/limits/reserved.ts';
import { migratedDatabase } from '../migrated-database.ts';

const db = migratedDatabase();

/** Reserves for a new turn of the user that wants 10 tokens of prompt and 60 of answer. */
async function reserveFor(userId: string, turnId: string, limits: Partial<Limits>) {
  const begin = [
    `INSERT INTO conversations (id, user_id, mode, created_at, updated_at)
      VALUES ('${turnId}', '${userId}', 'open', 1, 1)`,
    `INSERT INTO turns (id, conversation_id, user_id, instance_id, state, sequence_number, assistant_message_id, model, heartbeat_at, started_at)
      VALUES ('${turnId}', '${turnId}', '${userId}', 'i', 'running', 2, 'a', 'm', unixepoch() * 1000, unixepoch() * 1000)`,
  ].map((sql) => ({ sql, args: [] }));
  const ask = {
    ...{ defaults: { ...NO_LIMITS, ...limits }, leaseMs: 15_000, keyId: null, turnId },
    ...{
      prompt: 10,
      firstWay: 'reserve' as const,
      from: null,
      atHead: true,
      most: 60,
      least: 50,
    },
    ...{ model: 'm', allowance: [60, 60, 1, 1] as const, models: '{}' },
  };
  const place = { instanceId: 'i', created: undefined };
  const results = await db.batch([...begin, ...reserve(ask, place)], 'write');
  return reservedFrom(results[begin.length])?.granted;
}

it.each(['tokens_per_day', 'tokens_per_month', 'cost_per_month'] as const)(
  'leaves to the next turn what others have not reserved of %s',
  async (name) => {
    const next = (turn: string) => reserveFor(name, `${name}-${turn}`, { [name]: 200 });
    expect(await next('first')).toEqual({ input: 10, output: 60 });
    expect(await next('second')).toEqual({ input: 10, output: 60 });
    // 60 are left: for the prompt, and for the shortest answer that is worth a turn.
    expect(await next('third')).toEqual({ input: 10, output: 50 });
    expect(await next('fourth')).toBeUndefined();
  },
);
