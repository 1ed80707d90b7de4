/**
 * What models cost: public list prices in US dollars for a million tokens, as they were on the day
 * that is named. `MODEL_PRICES` replaces the whole table.
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
