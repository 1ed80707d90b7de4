/** The names of the events of OpenAI's Responses that depend on what is told. */

/** The index of a text within its item. */
export const INDEX = { text: { content_index: 0 }, reasoning: { summary_index: 0 } };
/** The events of an item's text, by the type of what grows. */
export const PART_ADDED = {
  text: 'response.content_part.added',
  reasoning: 'response.reasoning_summary_part.added',
};
export const PART_DONE = {
  text: 'response.content_part.done',
  reasoning: 'response.reasoning_summary_part.done',
};
export const TEXT_DONE = {
  text: 'response.output_text.done',
  reasoning: 'response.reasoning_summary_text.done',
};

/** Returns the event by which a response of this status ends. */
export function terminalOf(status: string): string {
  if (status === 'completed' || status === 'failed') return `response.${status}`;
  return 'response.incomplete';
}
