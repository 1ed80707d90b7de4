import { z } from 'zod';
import { contentOf } from '../../core/parts.ts';
import { contentTerms } from '../../text/words.ts';
import type { Database } from '../../store/database.ts';
import { recentMessages } from '../../store/transcript.ts';
import { time } from '../../wire/views.ts';
import { defineTool } from './tool.ts';

const EXCERPT_LENGTH = 800;

export const searchConversations = defineTool({
  name: 'search_conversations',
  description:
    "Searches the user's earlier conversations and answers with the messages that fit best. " +
    'Use it when the user refers to something said before that is not in this conversation.',
  input: z.object({
    query: z.string().min(1).max(1_000).describe('Words to look for'),
    limit: z.int().min(1).max(10).default(5).describe('Most messages wanted'),
  }),
  async run({ query, limit }, { conversation, db }) {
    const { userId, id } = conversation;
    return { messages: await searchMessages(db, { userId, except: id, query, limit }) };
  },
});

interface MessageSearch {
  userId: string;
  /** The conversation that is left out. */
  except: string;
  query: string;
  limit: number;
}

/** Returns the excerpts of a user's recent messages that share words with the query, best first. */
export async function searchMessages(
  db: Database,
  { userId, except, query, limit }: MessageSearch,
) {
  const messages = await recentMessages(db, { userId, except });
  const texts = messages.map((message) => contentOf(message.parts));
  return rankByWords(query, texts)
    .slice(0, limit)
    .map((index) => {
      const message = messages[index];
      return {
        conversation_id: message?.conversationId ?? '',
        role: message?.role ?? ('user' as const),
        text: (texts[index] ?? '').slice(0, EXCERPT_LENGTH).toWellFormed(),
        created_at: time(message?.createdAt ?? 0),
      };
    });
}

/**
 * Returns the indices of the texts that share words with the query, best first. Rare words count
 * more (Spärck Jones 1972), and long texts less.
 */
function rankByWords(query: string, texts: readonly string[]): number[] {
  const wanted = new Set(contentTerms(query));
  const found = texts.map((text) => new Set(contentTerms(text).filter((word) => wanted.has(word))));
  const frequency = new Map<string, number>();
  for (const words of found)
    for (const word of words) frequency.set(word, (frequency.get(word) ?? 0) + 1);
  const rarity = (word: string) => Math.log(1 + texts.length / (frequency.get(word) ?? 1));
  return found
    .map((words, index) => ({
      index,
      score:
        [...words].reduce((sum, word) => sum + rarity(word), 0) /
        Math.log(16 + (texts[index] ?? '').length),
    }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score || a.index - b.index)
    .map(({ index }) => index);
}
