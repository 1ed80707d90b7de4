/** The content of a message, which services give as a text or as a list of parts. */
import { isRecord, textOf } from '../../core/json.ts';

export interface Content {
  thought: string;
  text: string;
}

export const NO_CONTENT: Content = { thought: '', text: '' };

/** Types of parts that hold thoughts: Mistral's, Anthropic's, Databricks'. */
const THOUGHTS = new Set(['thinking', 'reasoning', 'thought']);
const TEXTS = new Set(['', 'text', 'output_text', 'summary_text']);

/** Returns text and thoughts; parts of other types are passed over. */
export function contentOf(content: unknown): Content {
  if (typeof content === 'string') return { thought: '', text: content };
  if (isRecord(content)) return partOf(content);
  if (!Array.isArray(content)) return NO_CONTENT;
  let thought = '';
  let text = '';
  for (const part of content) {
    const read = partOf(part);
    thought += read.thought;
    text += read.text;
  }
  return { thought, text };
}

function partOf(part: unknown): Content {
  if (typeof part === 'string') return { thought: '', text: part };
  if (!isRecord(part)) return NO_CONTENT;
  const type = textOf(part['type']);
  if (THOUGHTS.has(type)) {
    const { thought, text } = contentOf(part[type] ?? part['summary'] ?? part['text']);
    return { thought: thought + text, text: '' };
  }
  return TEXTS.has(type) ? { thought: '', text: textOf(part['text']) } : NO_CONTENT;
}
