/**
 * Exports the parts of the AI SDK that are used here by name, so that the Worker's bundle contains
 * nothing else.
 */
export { embedMany, wrapEmbeddingModel } from 'ai';
