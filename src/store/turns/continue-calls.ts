/**
 * The claim of a message that answers calls of the model: it follows the answer that made them,
 * answers each at most once, and takes over what the request for that answer asked of the model.
 */
import type { Statement } from '../database.ts';
import { followsIn } from '../tree/followers.ts';

/** The answer that is followed: the one that is named, else the end of the active path. */
export const CALLER = 'coalesce(?, c.head_message_id)';

/** The parts of an answer `p`, which are stored as lines of JSON. */
const PARTS = `json_each('[' || replace(p.parts, char(10), ',') || ']') AS part`;

/**
 * The calls of an answer `p` that the client has to answer: no result, nor a question, is in it.
 */
const WAITING_CALLS = `SELECT part.value ->> 'tool_call_id' FROM ${PARTS} WHERE part.value ->> 'type' = 'tool_call'
  EXCEPT SELECT part.value ->> 'tool_call_id' FROM ${PARTS} WHERE part.value ->> 'type' IN ('tool_result', 'tool_approval')`;

/** The questions of an answer `p` that wait for the user. */
const WAITING_APPROVALS = `SELECT part.value ->> 'approval_id' FROM ${PARTS} WHERE part.value ->> 'type' = 'tool_approval'`;

/** True when all ids of a JSON list are among those that wait. */
function allWait(waiting: string): string {
  return `NOT EXISTS (SELECT 1 FROM json_each(?) AS wanted WHERE wanted.value NOT IN (${waiting}))`;
}

/**
 * True when all calls and all approvals of two JSON lists wait: the answer ended with them, and
 * nothing follows it yet. Whatever follows closes them, so that none is answered twice.
 */
export const CALLS_WAIT = `AND EXISTS (SELECT 1 FROM messages p WHERE p.id = ${CALLER} AND p.conversation_id = c.id
    AND p.finish_reason = 'tool_calls'
    AND NOT EXISTS (SELECT 1 FROM messages s WHERE ${followsIn('p.conversation_id', '= p.id', 'p.depth + 1')})
    AND ${allWait(WAITING_CALLS)} AND ${allWait(WAITING_APPROVALS)})`;

/** Finds the turn that asked for the calls, from the new turn `turns`: by its answer. */
const CALLING_TURN = `FROM messages p JOIN turns a ON a.id = p.turn_id WHERE p.id = coalesce(?, turns.previous_head_id)`;

/** Finds the turn that the question was first asked by. */
const FIRST_TURN = `FROM messages q JOIN turns a ON a.id = q.turn_id WHERE q.id = turns.prompt_message_id`;

const MINE = `WHERE id = ? AND state = 'running' AND instance_id = ?`;
const INHERIT_MODEL = `UPDATE turns SET model = coalesce((SELECT a.model ${CALLING_TURN}), model) ${MINE}`;
const INHERIT_PARAMETERS = `UPDATE turns SET parameters = (SELECT a.parameters ${CALLING_TURN}) ${MINE}`;
const REPEAT_PARAMETERS = `UPDATE turns SET parameters = (SELECT a.parameters ${FIRST_TURN}) ${MINE}`;

interface Inheriting {
  turnId: string;
  instanceId: string;
  model: string | null;
  parameters?: object;
}

/**
 * Returns the statements by which a turn goes on as the calling turn was asked to.
 * @param callerId the answer with the calls; null for the one at the end of the active path
 */
export function inheritFromCaller(
  { turnId, instanceId, model, parameters }: Inheriting,
  callerId: string | null,
): Statement[] {
  const args = [callerId, turnId, instanceId];
  return [
    ...(model === null ? [{ sql: INHERIT_MODEL, args }] : []),
    ...(parameters ? [] : [{ sql: INHERIT_PARAMETERS, args }]),
  ];
}

/** Returns the statement by which another answer is asked for as the first one was. */
export function repeatParameters({ turnId, instanceId, parameters }: Inheriting): Statement[] {
  return parameters ? [] : [{ sql: REPEAT_PARAMETERS, args: [turnId, instanceId] }];
}
