/**
 * The prices of models: public list prices in US dollars for a million tokens, from the day that is
 * named. `MODEL_PRICES` replaces the whole table.
 *
 * Compared on 2026-11-27 with what others have copied from the makers' own pages:
 * - OpenAI (developers.openai.com/api/docs/pricing), copied on 2026-04-30 and in June 2026;
 * embeddings on 2026-07-03. Prompts of more than about 270,000 tokens cost more than is said here.
 * - Groq (groq.com/pricing), copied on 2026-06-04 for gpt-oss. No copy of the price of Llama 3.1 8B
 * was found.
 * - Google (ai.google.dev/gemini-api/docs/pricing), copied in March 2026. Prompts of more than
 * 200,000 tokens cost twice as much with Gemini 2.5 Pro. No copy of the price of
 * gemini-embedding-001 was found.
 */
import type { Price } from '../../core/prices.ts';

export const LIST_PRICES: readonly Price[] = [
  { model: 'offline/*', from: '2025-01-01', input: 0, output: 0 },
  { model: 'groq/llama-3.1-8b-instant', from: '2025-01-01', input: 0.05, output: 0.08 },
  {
    model: 'groq/openai/gpt-oss-120b',
    from: '2025-08-05',
    input: 0.15,
    cached_input: 0.075,
    output: 0.6,
  },
  { model: 'openai/gpt-5.4', from: '2026-03-05', input: 2.5, cached_input: 0.25, output: 15 },
  {
    model: 'openai/gpt-5.4-mini',
    from: '2026-03-17',
    input: 0.75,
    cached_input: 0.075,
    output: 4.5,
  },
  {
    model: 'openai/gpt-5.4-nano',
    from: '2026-04-13',
    input: 0.2,
    cached_input: 0.02,
    output: 1.25,
  },
  { model: 'openai/gpt-5.5', from: '2026-04-30', input: 5, cached_input: 0.5, output: 30 },
  {
    model: 'google/gemini-2.5-flash',
    from: '2025-06-17',
    input: 0.3,
    cached_input: 0.03,
    output: 2.5,
  },
  {
    model: 'google/gemini-2.5-pro',
    from: '2025-06-17',
    input: 1.25,
    cached_input: 0.125,
    output: 10,
  },
  { model: 'openai/text-embedding-3-small', from: '2024-01-25', input: 0.02, output: 0 },
  { model: 'openai/text-embedding-3-large', from: '2024-01-25', input: 0.13, output: 0 },
  { model: 'google/gemini-embedding-001', from: '2025-07-14', input: 0.15, output: 0 },
];
