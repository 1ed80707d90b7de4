/** OpenAI's package, pointed at the server under test. */
import OpenAI from 'openai';
import type { Target } from './target.ts';

/** Returns a client of a user, which the server knows by a header. */
export function openAiClient(
  { url }: Pick<Target, 'url'>,
  user: string,
  headers: Record<string, string> = {},
): OpenAI {
  return new OpenAI({
    apiKey: 'not looked at',
    baseURL: `${url}/v1`,
    defaultHeaders: { 'x-user-id': user, ...headers },
  });
}
