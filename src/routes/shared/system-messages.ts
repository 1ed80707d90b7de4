/** Reads what the system messages of a request say. */
import { invalid } from '../../core/errors.ts';
import * as schemas from './schemas.ts';

/**
 * Returns what system messages say together; the empty text for none.
 * @throws ParleyError `invalid_request`
 */
export function joinSystemMessages(said: readonly string[]): string {
  const parsed = schemas.instructions.safeParse(said.join('\n\n'));
  if (!parsed.success) throw invalid('messages', 'the system messages are too long');
  return parsed.data;
}
