/** Finds out what answers: the model by the name that its service uses, and the answer's id. */
import { isRecord, recordOf, textOf } from '../../core/json.ts';

/** The model that an answer comes from, and the id of the answer, as its service says. */
export interface Responder {
  model: string;
  /** Undefined where the answer has none. */
  id: string | undefined;
}

/** The longest name that is believed to be one. */
const LONGEST = 128;

/** Returns what an event says of what answers; undefined when it says nothing of it. */
export function responderIn(value: unknown): Responder | undefined {
  if (!isRecord(value)) return undefined;
  // The Responses API has it in an object of its own, and Gemini by other names.
  const told = isRecord(value['response']) ? recordOf(value['response']) : value;
  const model = textOf(told['model']) || textOf(told['modelVersion']);
  const id = textOf(told['id']) || textOf(told['responseId']);
  if (model === '' || model.length > LONGEST) return undefined;
  return { model, id: id === '' || id.length > LONGEST ? undefined : id };
}
