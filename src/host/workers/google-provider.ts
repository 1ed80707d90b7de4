/**
 * Google's provider on Workers: a module beside the main one (see `modules.ts`), which stands in
 * for the package. It is evaluated when a model of Google's is first asked, so most Workers never
 * load it.
 */
import type * as Google from '@ai-sdk/google';

/** Imports by a name that the bundler cannot follow, so that it leaves the module where it is. */
const moduleAt = (path: string): Promise<unknown> => import(path);

// Made from the package that the type is of.
export const { createGoogle } = (await moduleAt('./google.mjs')) as Pick<
  typeof Google,
  'createGoogle'
>;
