/** Hashes short texts in place, with no thread in between. */
import { createHash } from 'node:crypto';
import { hashShortTextsWith } from '../../../core/sha256.ts';

export function hashShortTexts(): void {
  hashShortTextsWith((text) => createHash('sha256').update(text).digest('hex'));
}
