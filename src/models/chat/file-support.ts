/**
 * Says which files models take as they are, as far as that is known. Of an unknown model it is
 * assumed that it reads text alone: a service may drop what it does not take without a word.
 */
import { kindOfFile, type FileKind } from '../../core/file.ts';

/** Kinds of files by the names of models; a name ends with `*` for all that begin with it. */
export type FileKindsByModel = Readonly<Record<string, readonly FileKind[]>>;

/** The first that fits holds. */
const KNOWN: readonly (readonly [RegExp, readonly FileKind[]])[] = [
  [/^google\/gemini-/, ['image', 'pdf', 'audio']],
  [/^openai\/gpt-(?:audio|4o(?:-mini)?-audio)/, ['audio']],
  [/^openai\/o[13]-mini/, []],
  [/^openai\/(?:gpt-(?:4o|4\.1|4\.5|[5-9])|o[134])/, ['image', 'pdf']],
  [/^groq\/meta-llama\/llama-4/, ['image']],
  // Models of servers of one's own, whose names say that they see.
  [
    /^openai\/.*(?:llava|vision|pixtral|moondream|minicpm-v|gemma-?3|llama-?4|[-_]vl\b|\d\.?\d?vl\b)/i,
    ['image'],
  ],
];

/** Files that services do not take although they take their kind. */
const REFUSED: readonly (readonly [RegExp, RegExp])[] = [
  [/^google\//, /^(?:image\/gif|audio\/mp4)$/],
  [/^openai\//, /^audio\/(?!wav$|mpeg$)/],
];

/**
 * Returns the kinds of files that a model takes as they are.
 * @param told what the operator says of models
 */
export function kindsTakenBy(model: string, told: FileKindsByModel = {}): readonly FileKind[] {
  const own = Object.entries(told).find(([name]) =>
    name.endsWith('*') ? model.startsWith(name.slice(0, -1)) : model === name,
  );
  return own?.[1] ?? KNOWN.find(([name]) => name.test(model))?.[1] ?? [];
}

/** Tells whether a model takes a file of this type as it is. */
export function takesFile(model: string, kinds: readonly FileKind[], mimeType: string): boolean {
  if (!kinds.includes(kindOfFile(mimeType)) || kindOfFile(mimeType) === 'text') return false;
  return !REFUSED.some(([name, type]) => name.test(model) && type.test(mimeType));
}
