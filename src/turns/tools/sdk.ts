/** What is used of the AI SDK here: named one by one, so that the Worker carries no more of it. */
export { asSchema, tool } from 'ai';
