/** A history that a client sends whole, without ids of ours. */
import type { History } from '../../actions/place-history.ts';
import { invalid } from '../../core/errors.ts';
import type { Exchange } from '../../core/exchange.ts';
import type { Part } from '../../core/parts.ts';
import { contentOf } from '../../core/parts.ts';
import { questionOf, type InputItem } from './input.ts';

/**
 * Returns the history that the items are: exchanges, then a question.
 * @throws ParleyError `invalid_request` for one that does not end with the user, or with calls
 */
export function historyIn(items: readonly InputItem[]): History {
  const exchanges: Exchange[] = [];
  for (const item of items) {
    const last = exchanges.at(-1);
    if (item.kind === 'instructions') continue;
    if (item.kind === 'result' || hasCall(item))
      throw invalid('input', 'input: calls without ids of this server are not supported here');
    if (item.kind === 'answer') answer(last, item.parts);
    else if (last?.answer === null) last.question = `${last.question}\n\n${item.text}`;
    else exchanges.push({ question: item.text, answer: null });
  }
  const last = exchanges.pop();
  if (!last || last.answer !== null)
    throw invalid('input', 'input: the last item must be the user’s');
  return { before: exchanges, question: questionOf([last.question]) };
}

function hasCall(item: InputItem): boolean {
  return item.kind === 'answer' && item.parts.some(({ type }) => type === 'tool_call');
}

/** A greeting before the first question is left out: no model is sent one. */
function answer(exchange: Exchange | undefined, parts: readonly Part[]): void {
  const text = contentOf(parts);
  if (!exchange || text === '') return;
  const before = contentOf(exchange.answer ?? []);
  const whole = before === '' ? text : `${before}\n\n${text}`;
  exchange.answer = [{ type: 'text', text: whole }];
}
