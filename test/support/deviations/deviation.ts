/**
 * How services really stream chat completions, beside what OpenAI documents. Each is told as if it
 * had been sent as documented. `seen` names the service, or the public report by its repository and
 * number; 'own' stands for a neighbour of those that nobody has reported.
 */

export interface Deviation {
  name: string;
  seen: string;
  body: string;
  thought?: string;
  text?: string;
  calls?: { id?: string; name: string; input: string }[];
  /** The finish that is declared; 'none' where the answer is cut. */
  finish?: 'stop' | 'length' | 'content-filter' | 'tool-calls' | 'none';
  usage?: [input: number, output: number];
  /** The status of an error that the service reports; 'unknown' where it gives none. */
  error?: number | 'unknown' | 'unreadable';
}

export const event = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
export const chunk = (delta: unknown, finish: unknown = null, more: object = {}) =>
  event({ id: 'c', choices: [{ index: 0, delta, finish_reason: finish }], ...more });
export const done = 'data: [DONE]\n\n';
export const counts = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
export const hi = chunk({ role: 'assistant', content: 'Hi' });
export const end = chunk({}, 'stop') + done;
export const last = (more: object = {}) => chunk({}, 'stop', more);
