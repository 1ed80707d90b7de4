/** Limits the results of a turn. */
import type { Json } from '../../core/parts.ts';
import type { RunningTurn } from '../run/running-turn.ts';
import { failed, type ToolResult } from './tool-result.ts';

/**
 * The longest results of one turn, in UTF-16 units of JSON: about half of a small model's context
 * window.
 */
const LONGEST_OUTPUT = 60_000;

/**
 * Fails a result that is too long: results are stored with the message and must leave room for the
 * conversation and the answer.
 */
export function withinLimit(result: ToolResult, turn: RunningTurn): ToolResult {
  const before = turn.parts
    .all()
    .map((part) => (part.type === 'tool_result' ? lengthOf(part.output) : 0))
    .reduce((sum, length) => sum + length, 0);
  if (before + lengthOf(result.output) <= LONGEST_OUTPUT) return result;
  return failed('the result is too long: ask for less, or answer with what there is');
}

function lengthOf(output: Json): number {
  return JSON.stringify(output).length;
}
