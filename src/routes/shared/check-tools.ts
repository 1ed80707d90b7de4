/** Holds the tools of other APIs against the rules of our own, whose form has no `strict`. */
import { invalid } from '../../core/errors.ts';
import type { TurnParameters } from '../../core/parameters.ts';
import { parameterFields } from './parameters.ts';

/** A tool in our own form, of which nothing is known yet. */
interface GivenTool {
  name: unknown;
  description?: string;
  input_schema: unknown;
  strict: boolean | null | undefined;
}

/**
 * Returns the tools.
 * @param schemaField the name that the API has for `input_schema`
 * @throws ParleyError `invalid_request` that names what is wrong with one of them
 */
export function checkTools(
  given: readonly GivenTool[],
  schemaField: string,
): TurnParameters['tools'] {
  const parsed = parameterFields.tools.safeParse(given.map(({ strict: _, ...tool }) => tool));
  if (parsed.success)
    return parsed.data?.map((tool, at) =>
      given[at]?.strict === true ? { ...tool, strict: true } : tool,
    );
  const [issue] = parsed.error.issues;
  const path = ['tools', ...(issue?.path ?? [])].join('.').replace('input_schema', schemaField);
  throw invalid(path, `${path}: ${issue?.message ?? 'is invalid'}`);
}
