/** Hashes short texts in place, with no thread in between. */
import { hash } from 'node:crypto';
import { hashShortTextsWith } from '../../../core/sha256.ts';

export function hashShortTexts(): void {
  hashShortTextsWith((text) => hash('sha256', text, 'hex'));
}
