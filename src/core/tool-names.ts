/** The names of our own tools, which a client's tool may not have. */
export const TOOL_NAMES = ['search_documents', 'search_conversations'] as const;
