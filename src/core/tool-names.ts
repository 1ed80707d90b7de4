/** The names of our own tools, which a client's tool may not have. */
export const TOOL_NAMES = ['search_documents', 'search_conversations'] as const;

/** The names of tools that every model service takes. */
export const TOOL_NAME = /^[A-Za-z0-9_-]{1,64}$/;
