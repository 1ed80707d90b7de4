/**
 * Groq's provider on Workers: a module beside the main one (see `modules.ts`), which stands in
 * for the package. It is evaluated when a model of Groq's is first asked, so Workers that ask
 * others never load it.
 */
import type * as Groq from '@ai-sdk/groq';

/** Imports by a name that the bundler cannot follow, so that it leaves the module where it is. */
const moduleAt = (path: string): Promise<unknown> => import(path);

// Made from the package that the type is of.
export const { createGroq } = (await moduleAt('./groq.mjs')) as Pick<typeof Groq, 'createGroq'>;
