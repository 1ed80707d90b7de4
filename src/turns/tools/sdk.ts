/**
 * Exports what the tools use of the AI SDK, name by name, so that the Worker's bundle holds no more
 * of it.
 */
export { asSchema } from 'ai';
