/** Fields that change an answer, and that are not honoured here. */
import { invalid } from '../../core/errors.ts';

/** The values of a field that change nothing, and that pass: null and what is empty always do. */
export type Unhonoured = Readonly<Record<string, readonly unknown[]>>;

/**
 * Checks that a body asks for nothing that would be passed over.
 * @throws ParleyError `invalid_request` that names the field
 */
export function refuseUnhonoured(body: Record<string, unknown>, fields: Unhonoured): void {
  for (const [name, neutral] of Object.entries(fields)) {
    const value = body[name];
    if (value === undefined || value === null || isEmpty(value)) continue;
    if (!neutral.some((each) => JSON.stringify(each) === JSON.stringify(value)))
      throw invalid(name, `${name} is not supported here, or not with this value`);
  }
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
