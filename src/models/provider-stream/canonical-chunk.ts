/** An answer in the one form that the providers for chat completions take without complaint. */
import type { ChatEnd, ChatPiece } from '../chat-stream/chat-completion-reader.ts';
import type { ChatUsage } from '../chat-stream/usage.ts';

/** The differences between the providers of chat completions. */
export interface ChunkDialect {
  /** The field in which the provider looks for thoughts; undefined when it passes over them. */
  thought?: 'reasoning';
  /** The field in which it looks for counts. */
  usage: 'usage' | 'x_groq';
}

export const GROQ_CHUNKS: ChunkDialect = { thought: 'reasoning', usage: 'x_groq' };
export const OPENAI_CHUNKS: ChunkDialect = { usage: 'usage' };

/** Shows a provider an error that it can read, whatever was reported; ours takes its place. */
export const ERROR_CHUNK = {
  error: { message: 'the service reported an error', type: 'server_error' },
};

export function pieceChunk(piece: ChatPiece, { thought }: ChunkDialect): object {
  const delta = {
    ...(thought && piece.thought !== '' ? { [thought]: piece.thought } : {}),
    ...(piece.text === '' ? {} : { content: piece.text }),
    ...(piece.refusal === '' ? {} : { refusal: piece.refusal }),
    ...(piece.toolCalls.length === 0 ? {} : { tool_calls: piece.toolCalls.map(toolCall) }),
  };
  return { choices: [{ index: 0, delta, finish_reason: null }] };
}

function toolCall({ index, id, name, arguments: text }: ChatPiece['toolCalls'][number]) {
  const first = id === undefined ? {} : { id };
  return {
    index,
    ...first,
    type: 'function',
    function: { ...(name ? { name } : {}), arguments: text },
  };
}

export function endChunk({ finish, rawFinish, usage }: ChatEnd, dialect: ChunkDialect): object {
  const finish_reason = finish ?? rawFinish ?? null;
  const counts = usage && usageJson(usage);
  return {
    choices: [{ index: 0, delta: {}, finish_reason }],
    ...(counts && (dialect.usage === 'usage' ? { usage: counts } : { x_groq: { usage: counts } })),
  };
}

function usageJson({ input, output, cached, written, reasoning }: ChatUsage): object {
  return {
    prompt_tokens: input,
    completion_tokens: output,
    prompt_tokens_details: { cached_tokens: cached, cache_write_tokens: written },
    completion_tokens_details: { reasoning_tokens: reasoning },
  };
}
