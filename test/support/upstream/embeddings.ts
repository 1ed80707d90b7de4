/**
 * Builds the embedding answers of OpenAI and Gemini. A vector depends only on the text and its
 * length.
 */
import { createHash } from 'node:crypto';
import { asArray, asRecord, asText } from '../json.ts';
import type { Behaviour } from './behaviour.ts';

export function openaiEmbeddings(body: unknown, behaviour: Behaviour) {
  const request = asRecord(body);
  const { input } = request;
  const texts = typeof input === 'string' ? [input] : asArray(input).map(asText);
  const dimensions = dimensionsOf(request['dimensions'], behaviour, 1536);
  return {
    object: 'list',
    model: asText(request['model']),
    data: answered(texts, behaviour).map((text, index) => {
      const vector = vectorOf(text, dimensions, behaviour);
      return { object: 'embedding', index, embedding: behaviour.base64 ? base64(vector) : vector };
    }),
    usage: countUsage(texts),
  };
}

export function geminiEmbeddings(body: unknown, path: string, behaviour: Behaviour) {
  const one = (request: unknown) => {
    const record = asRecord(request);
    const text = asArray(asRecord(record['content'])['parts'])
      .map((part) => asText(asRecord(part)['text']))
      .join('');
    const dimensions = dimensionsOf(record['outputDimensionality'], behaviour, 3072);
    return { values: vectorOf(text, dimensions, behaviour) };
  };
  if (!path.includes(':batchEmbedContents')) return { embedding: one(body) };
  const requests = answered(asArray(asRecord(body)['requests']), behaviour);
  return { embeddings: requests.map(one) };
}

function answered<T>(asked: T[], { vectorsLeftOut = 0 }: Behaviour): T[] {
  return asked.slice(0, asked.length - vectorsLeftOut);
}

function base64(vector: unknown[]): string {
  return Buffer.from(Float32Array.from(vector.map(Number)).buffer).toString('base64');
}

/**
 * Hashes words with signs and normalises the vector (Weinberger et al. 2009), so that texts with
 * common words are near.
 */
export function hashedVector(text: string, dimensions: number): number[] {
  const vector = Array.from({ length: dimensions }, () => 0);
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [text];
  for (const word of words) {
    const hash = createHash('md5').update(word).digest();
    const at = hash.readUInt32LE(0) % dimensions;
    vector[at] = (vector[at] ?? 0) + ((hash[4] ?? 0) % 2 === 0 ? 1 : -1);
  }
  const norm = Math.hypot(...vector);
  if (norm === 0) vector[0] = 1;
  return norm === 0 ? vector : vector.map((value) => value / norm);
}

function vectorOf(text: string, dimensions: number, behaviour: Behaviour): unknown[] {
  return (behaviour.vector ?? hashedVector)(text, dimensions);
}

function dimensionsOf(asked: unknown, behaviour: Behaviour, usual: number): number {
  return typeof asked === 'number' ? asked : (behaviour.dimensions ?? usual);
}

function countUsage(texts: string[]) {
  const tokens = texts.reduce((sum, text) => sum + Math.ceil(text.length / 4), 0);
  return { prompt_tokens: tokens, total_tokens: tokens };
}
