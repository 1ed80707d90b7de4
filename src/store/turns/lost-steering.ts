/**
 * Keeps the messages that were to steer a turn whose owner has gone. Those that are in
 * the stored answer have joined. Each of the others becomes a question of its own, whose turn was
 * interrupted before it said anything: so it is kept, shown, and can be asked again.
 */
import { sql, type SQL } from 'drizzle-orm';
import type { Failure } from '../../core/errors.ts';
import type { Statement } from '../database.ts';
import { now, plain } from '../query.ts';
import { turns } from '../schema.ts';
import { COUNTS, linesOf } from './steering-lines.ts';

/** The messages that wait, with their numbers from 1 in each turn, and the answer before each. */
function waiting(which: SQL | undefined): SQL {
  return sql`with stopped as materialized (
    select ${turns.id} as id, ${turns.conversationId} as conversation_id, ${turns.userId} as user_id,
      ${turns.instanceId} as instance_id, ${turns.model} as model, ${turns.steering} as steering,
      ${turns.assistantMessageId} as answer_id
    from ${turns} where ${which} and ${turns.steering} is not null),
  waiting as (
    select stopped.id as turn_id, stopped.conversation_id, stopped.user_id, stopped.instance_id, stopped.model, line.value as said,
      row_number() over (partition by stopped.id order by line.key) as n,
      lag(line.value ->> 'answerId') over (partition by stopped.id order by line.key) as answer_before
    from stopped join ${sql.raw(linesOf('stopped.steering'))}
    where ${sql.raw(COUNTS)}
      and not exists (select 1 from messages a join json_each('[' || replace(a.parts, char(10), ',') || ']') as part
        where a.id = stopped.answer_id and part.value ->> '$.message.id' = line.value ->> 'id'))`;
}

/**
 * Returns the statements; they precede the one that ends the turns.
 * @param which the condition on `turns`
 * @param failure why the turns end
 */
export function keepSteering(which: SQL | undefined, failure: Failure): Statement[] {
  return [
    plain(sql`insert into turns (id, conversation_id, user_id, instance_id, state, sequence_number, prompt_message_id,
        assistant_message_id, previous_head_id, model, parameters, created, heartbeat_at, started_at, ended_at, error)
      ${waiting(which)}
      select said ->> 'turnId', c.id, waiting.user_id, waiting.instance_id, 'ended', c.last_sequence_number + 2 * n, said ->> 'id',
        said ->> 'answerId', c.head_message_id, coalesce(said ->> 'model', c.model, waiting.model),
        nullif(said -> 'parameters', 'null'), 0, ${now}, ${now}, ${now}, ${JSON.stringify(failure)}
      from waiting cross join conversations c on c.id = waiting.conversation_id where true on conflict do nothing`),
    plain(sql`insert into messages (id, conversation_id, turn_id, role, status, sequence_number, parent_id, depth, parts,
        text_length, model, output_tokens, tokens_estimated, client_id, created_at)
      ${waiting(which)}
      select case role when 'user' then said ->> 'id' else said ->> 'answerId' end, c.id, said ->> 'turnId', role, status,
        c.last_sequence_number + 2 * n + step,
        case role when 'user' then coalesce(answer_before, c.head_message_id) else said ->> 'id' end,
        c.message_count + 2 * n + step, case role when 'user' then said ->> 'parts' else '' end,
        case role when 'user' then said ->> 'textLength' else 0 end,
        case role when 'user' then null else coalesce(said ->> 'model', c.model, waiting.model) end,
        case role when 'user' then said ->> 'tokens' end, 1,
        case role when 'user' then said ->> 'clientId' else said ->> 'answerClientId' end, ${now}
      from waiting cross join conversations c on c.id = waiting.conversation_id
        join (select -1 as step, 'user' as role, 'complete' as status union all select 0, 'assistant', 'interrupted') as pair
      where true on conflict do nothing`),
    plain(sql`${waiting(which)}
      update conversations set last_sequence_number = last_sequence_number + 2 * added,
        message_count = message_count + 2 * added, head_message_id = answer, updated_at = ${now}
      from (select conversation_id, max(n) as added, said ->> 'answerId' as answer from waiting group by conversation_id) as last
      where conversations.id = last.conversation_id`),
    plain(sql`${waiting(which)}
      update idempotency_keys set resource_id = (select said ->> 'turnId' from waiting
        where waiting.said ->> 'scope' = scope and waiting.said ->> 'key' = key and waiting.turn_id = resource_id)
      where (scope, key, resource_id) in (select waiting.said ->> 'scope', waiting.said ->> 'key', waiting.turn_id from waiting)`),
  ];
}
